import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import type { GroupCacheStats } from "../../mod.ts";
import { type Child, spawn } from "../processes/child.ts";
import { freePorts, runtime, whyNot } from "../runtime.ts";
import { browserTest, openPage, startBrowser } from "./browser.ts";

/** Three processes, of both runtimes if both are here, and a browser. */
class Setup implements AsyncDisposable {
  readonly urls: readonly string[];
  readonly browser: Browser;
  #env: Record<string, string>;
  #children: Child[] = [];

  private constructor(ports: number[], browser: Browser, env: Record<string, string>) {
    this.urls = ports.map((port) => `http://127.0.0.1:${port}`);
    this.browser = browser;
    this.#env = env;
  }

  static async create(env: Record<string, string> = {}): Promise<Setup> {
    const setup = new Setup(await freePorts(3), await startBrowser(), env);
    await Promise.all([0, 1, 2].map((index) => setup.start(index)));
    return setup;
  }

  async start(index: number): Promise<void> {
    const other = runtime === "deno" ? "bun" : "deno";
    const child = spawn("tests/dashboard/node.ts", {
      runtime: index === 1 && whyNot(other) === undefined ? other : runtime,
      env: {
        PORT: new URL(this.urls[index] as string).port,
        PEERS: this.urls.join(","),
        RATE: "0",
        ...this.#env,
      },
    });
    this.#children[index] = child;
    await child.line(/^serving /);
  }

  async kill(index: number): Promise<void> {
    await this.#children[index]?.kill("SIGKILL");
  }

  page(index = 0): string {
    return `${this.urls[index]}/ops/`;
  }

  async stats(): Promise<GroupCacheStats[]> {
    return await Promise.all(
      this.urls.map(async (url) => await (await fetch(`${url}/ops/stats`)).json()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }
}

function cell(page: Page, table: string, row: string, column: string) {
  return page.locator(`#${table}`).evaluate(
    (table, [row, column]) => {
      const names = [...table.querySelectorAll("thead th")].map((th) => th.textContent);
      const found = [...table.querySelectorAll("tbody tr")]
        .find((tr) => tr.firstElementChild?.textContent?.startsWith(row as string));
      const cell = found?.children[names.indexOf(column as string)];
      return { text: cell?.textContent ?? null, title: cell?.getAttribute("title") ?? null };
    },
    [row, column],
  );
}

async function until<Value>(
  what: string,
  ms: number,
  find: () => Promise<Value | undefined | false>,
): Promise<Value> {
  const endMs = performance.now() + ms;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

browserTest("The page's numbers are those of /stats, and its console stays clean", async () => {
  await using setup = await Setup.create();
  await using watched = await openPage(setup.browser, setup.page());
  const { page, complaints } = watched;
  for (const url of setup.urls) await (await fetch(`${url}/gets/50`)).text();
  await fetch(`${setup.urls[0]}/users/113`);
  const stats = await setup.stats();
  const sum = (of: (stats: GroupCacheStats) => number | undefined) =>
    String(stats.reduce((sum, each) => sum + (of(each) ?? 0), 0));
  assertEquals(sum(({ groups }) => groups["users"]?.gets), "151");
  await until("gets of the page", 5000, async () => {
    const { title } = await cell(page, "groups", "users", "Gets");
    return title === "151";
  });
  const loads = await cell(page, "groups", "users", "Loads");
  assertEquals(loads.title, sum(({ groups }) => groups["users"]?.localLoads));
  const entries = await cell(page, "groups", "users", "Entries");
  assertEquals(
    entries.text,
    sum(({ groups }) => (groups["users"]?.main.items ?? 0) + (groups["users"]?.hot.items ?? 0)),
  );
  for (const url of setup.urls) {
    const { text } = await cell(page, "processes", new URL(url).host, "State");
    assertEquals(text, "up");
  }
  assertEquals(await page.locator("#status-text").textContent(), "Live");
  assertEquals(complaints, []);
});

browserTest("A killed peer shows within 3 seconds, and its return", async () => {
  await using setup = await Setup.create({ RATE: "50" });
  await using watched = await openPage(setup.browser, setup.page());
  const { page } = watched;
  const host = new URL(setup.urls[2] as string).host;
  const state = async () => (await cell(page, "processes", host, "State")).text ?? "";
  await until("up", 10_000, async () => await state() === "up");
  await setup.kill(2);
  const killedAt = performance.now();
  await until("out of reach", 3000, async () => (await state()).startsWith("out of reach"));
  assert(performance.now() - killedAt < 3000);
  assertMatch(await page.locator("#problems").textContent() ?? "", /is out of reach/);
  assertMatch(await page.title(), /^1 down/);
  await setup.start(2);
  await until("up again", 10_000, async () => await state() === "up");
});

browserTest(
  "The page says when it gets no updates, and continues when its process is back",
  async () => {
    await using setup = await Setup.create();
    await using watched = await openPage(setup.browser, setup.page());
    const { page } = watched;
    const status = async () => await page.locator("#status").textContent() ?? "";
    await until("live", 5000, async () => (await status()).includes("Live"));
    await setup.kill(0);
    await until("no connection", 6000, async () => /No connection|No news/.test(await status()));
    await until("the age", 6000, async () => /\d+ s old/.test(await status()));
    await setup.start(0);
    await until("live again", 10_000, async () => (await status()).includes("Live"));
    assertEquals(await page.locator("body[data-stale]").count(), 0);
    await until("a new run", 5000, async () => {
      const { text } = await cell(page, "processes", new URL(setup.urls[0] as string).host, "Age");
      return /^\d s$/.test(text ?? "");
    });
  },
);

const looks = [
  { width: 1280, theme: "light" },
  { width: 1280, theme: "dark" },
  { width: 360, theme: "light" },
  { width: 360, theme: "dark" },
] as const;

browserTest("axe finds nothing serious, in both themes and at two widths", async () => {
  await using setup = await Setup.create({ RATE: "100", ACTIONS: "1" });
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
  for (const look of looks) {
    await using watched = await openPage(setup.browser, setup.page(), look);
    const { page } = watched;
    await until("rows", 10_000, async () => await page.locator("#hot tbody tr").count() > 0);
    await page.locator("#inspect input").fill("user:1");
    await page.locator("#inspect button").first().click();
    await until(
      "replies",
      5000,
      async () => await page.locator("#inspection tbody tr").count() === 3,
    );
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assertEquals(width, look.width, "the page itself does not scroll sideways");
    // Through the debugger, because the page's policy lets no script in.
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      // deno-lint-ignore no-explicit-any -- put there just now
      const { violations } = await (globalThis as any).axe.run();
      // deno-lint-ignore no-explicit-any -- as axe tells them
      return violations.map(({ id, impact, nodes }: any) =>
        `${impact}: ${id}: ${nodes.map(({ html }: { html: string }) => html).slice(0, 3).join(" ")}`
      );
    });
    assertEquals(violations, [], JSON.stringify(look));
  }
});

browserTest("The charts answer to the keyboard, and tell what they show", async () => {
  await using setup = await Setup.create({ RATE: "50" });
  await using watched = await openPage(setup.browser, setup.page());
  const { page } = watched;
  const chart = page.locator("svg.chart").first();
  await until(
    "some points",
    10_000,
    async () => /now: main cache [\d.]+/.test(await chart.getAttribute("aria-label") ?? ""),
  );
  await page.waitForTimeout(3000);
  await chart.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  assertMatch(await chart.getAttribute("aria-label") ?? "", /, at \d\d:\d\d:\d\d: /);
  await page.keyboard.press("Escape");
  assertMatch(await chart.getAttribute("aria-label") ?? "", /, now: /);
});

browserTest("A key is removed everywhere once that was confirmed, and not before", async () => {
  await using setup = await Setup.create({ ACTIONS: "1" });
  await using watched = await openPage(setup.browser, setup.page());
  const { page, complaints } = watched;
  await (await fetch(`${setup.urls[0]}/users/7`)).text();
  const loads = async () =>
    (await setup.stats()).reduce((sum, { groups }) => sum + (groups["users"]?.localLoads ?? 0), 0);
  await until("groups", 5000, async () => await page.locator("#inspect option").count() === 2);
  await page.locator("#inspect select").selectOption("users");
  await page.locator("#inspect input").fill("7");
  await page.locator("#remove").click();
  await page.locator("dialog button", { hasText: "Keep it" }).click();
  await (await fetch(`${setup.urls[0]}/users/7`)).text();
  assertEquals(await loads(), 1);
  await page.locator("#remove").click();
  await page.locator("dialog button", { hasText: "Remove it" }).click();
  await until(
    "told",
    5000,
    async () => /Held by 0 of 3/.test(await page.locator("#inspect-note").textContent() ?? ""),
  );
  await (await fetch(`${setup.urls[0]}/users/7`)).text();
  assertEquals(await loads(), 2);
  assertEquals(complaints, []);
});

if (process.env["GROUPCACHE_SCREENSHOT"] === "1") {
  browserTest("The README's picture is of the page as it is", async () => {
    await using setup = await Setup.create({ RATE: "300" });
    await using watched = await openPage(setup.browser, setup.page(), {
      width: 1280,
      height: 1130,
      theme: "dark",
    });
    const { page } = watched;
    await page.locator("#range").selectOption("60");
    await page.waitForTimeout(70_000);
    await page.screenshot({ path: "docs/dashboard.png" });
  });
}
