import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { dashboard, type DashboardOptions } from "../../lib/dashboard/mod.ts";
import { PAGE_ASSETS } from "../../lib/dashboard/page_assets.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { type Group, type GroupCache, text } from "../../mod.ts";
import { pageAssets, presentPageAssets } from "../../scripts/page_assets.ts";
import { findRuntime, root, test } from "../runtime.ts";

function setUp(options: DashboardOptions = {}, size = 3) {
  const cluster = new Cluster(size);
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", { maxBytes: 1 << 20, codec: text, load: (key) => `value of ${key}` })
  ) as Group<string>[];
  const cache = cluster.caches[0] as GroupCache;
  const app = new Hono();
  app.route("/ops", dashboard(cache, { clock: cluster.clock, ...options }));
  return { cluster, cache, app, groups, group: groups[0] as Group<string> };
}

test("The module that ships the page is made from its files", () => {
  assertEquals(presentPageAssets(), pageAssets(), "run `deno task page`");
});

const mounts: { name: string; app: (cache: GroupCache) => Hono; root: string }[] = [
  { name: "by itself", app: (cache) => dashboard(cache), root: "/" },
  {
    name: "at a path",
    app: (cache) => new Hono().route("/ops", dashboard(cache)),
    root: "/ops/",
  },
  {
    name: "at a path with a parameter",
    app: (cache) => new Hono().route("/:tenant/ops", dashboard(cache)),
    root: "/one/ops/",
  },
  {
    name: "within an app within an app",
    app: (cache) => new Hono().route("/a", new Hono().route("/b", dashboard(cache))),
    root: "/a/b/",
  },
  {
    name: "below a base path",
    app: (cache) => new Hono().basePath("/base").route("/ops", dashboard(cache)),
    root: "/base/ops/",
  },
];

for (const { name, app, root } of mounts) {
  test(`The page and all that it names are found where it is mounted ${name}`, async () => {
    const { cache } = setUp();
    const mounted = app(cache);
    const page = await mounted.request(root);
    assertEquals([page.status, page.headers.get("content-type")], [
      200,
      "text/html; charset=utf-8",
    ]);
    const html = await page.text();
    const named = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path = ""]) => path);
    assert(named.length >= 4, `${named}`);
    for (const path of named) {
      const { pathname } = new URL(path, `http://host${root}`);
      assertEquals((await mounted.request(pathname)).status, 200, pathname);
    }
    assertEquals((await mounted.request(`${root}nothing`)).status, 404);
    assertEquals((await mounted.request(`${root}nothing/`)).status, 404);
    if (root === "/") return;
    const bare = await mounted.request(root.slice(0, -1));
    const location = bare.headers.get("location") ?? "";
    assertEquals(bare.status, 302);
    assertEquals(new URL(location, `http://host${root.slice(0, -1)}`).pathname, root);
  });
}

test("The page's scripts name no file that is not shipped, and nothing from elsewhere", () => {
  for (const [name, source] of Object.entries(PAGE_ASSETS)) {
    const code = source.replaceAll(/@typedef .*/g, "");
    for (const [, path = ""] of code.matchAll(/from "(.*?)"/g)) {
      assert(Object.hasOwn(PAGE_ASSETS, path.replace("./", "")), `${name} imports ${path}`);
    }
    const urls = code.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^\s"'\\?]+/g) ?? [];
    assertEquals(urls, [], name);
  }
});

test("Each reply of the page forbids what is not its own", async () => {
  const { app } = setUp();
  for (const path of ["/ops/", "/ops/assets/app.js", "/ops/assets/style.css"]) {
    const { headers } = await app.request(path);
    const policy = headers.get("content-security-policy") ?? "";
    assertStringIncludes(policy, "default-src 'none'");
    assert(!policy.includes("unsafe"), policy);
    assertStringIncludes(policy, "frame-ancestors 'none'");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
  }
});

test("/stats tells what the cache counts, and ?cluster what all report", async () => {
  const { cluster, cache, app, group } = setUp();
  await cluster.clock.until(group.get("key"));
  assertEquals(await (await app.request("/ops/stats")).json(), cache.stats());
  const cluster_ = await cluster.clock.until(Promise.resolve(app.request("/ops/stats?cluster")));
  const replies = await cluster_.json();
  assertEquals(replies.map(({ url }: { url: string }) => url), [...cluster.urls]);
});

test("/metrics is Prometheus's text", async () => {
  const { app } = setUp();
  const response = await app.request("/ops/metrics");
  assertStringIncludes(response.headers.get("content-type") ?? "", "version=0.0.4");
  assertStringIncludes(await response.text(), 'groupcache_max_bytes{group="texts"} 1048576\n');
});

test("/healthz and /readyz say why they reply with 503", async () => {
  const { cluster, cache, app } = setUp();
  const ask = async (path: string) => {
    const response = await app.request(`/ops/${path}`);
    return [response.status, (await response.json()).reasons];
  };
  assertEquals(await ask("healthz"), [200, []]);
  assertEquals(await ask("readyz"), [200, []]);
  const closing = cache.close({ drainMs: 1000 });
  assertEquals(await ask("healthz"), [200, []]);
  assertEquals(await ask("readyz"), [503, ["the process is about to leave its peers"]]);
  await cluster.clock.until(closing);
  assertEquals(await ask("healthz"), [503, ["the cache was closed"]]);
});

test("/readyz waits for a group", async () => {
  const cluster = new Cluster(1);
  const app = dashboard(cluster.caches[0] as GroupCache);
  const response = await app.request("/readyz");
  assertEquals([response.status, (await response.json()).reasons], [503, [
    "there is no group yet",
  ]]);
});

const refusals = [
  { name: "false", authorize: () => false, status: 401 },
  { name: "a promise of false", authorize: () => Promise.resolve(false), status: 401 },
  {
    name: "a response",
    authorize: () => new Response("who are you?", { status: 403 }),
    status: 403,
  },
  { name: "undefined", authorize: () => undefined as unknown as boolean, status: 401 },
];

for (const { name, authorize, status } of refusals) {
  test(`authorize that answers ${name} lets nobody see anything but bare health`, async () => {
    const { app } = setUp({ authorize, actions: true });
    const paths = ["", "assets/app.js", "stats", "stats?cluster", "metrics", "events", "inspect"];
    for (const path of paths) {
      assertEquals((await app.request(`/ops/${path}`)).status, status, path);
    }
    const removal = await app.request("/ops/actions/remove", {
      method: "POST",
      headers: { "groupcache-action": "remove" },
      body: '{"group":"texts","key":"key"}',
    });
    assertEquals(removal.status, status);
    assertEquals(await (await app.request("/ops/healthz")).json(), { ok: true });
  });
}

test("dashboard() refuses an authorize that would let everybody in by mistake", () => {
  const { cache } = setUp();
  for (const authorize of [true, "token", {}]) {
    const options = { authorize } as unknown as DashboardOptions;
    assertThrows(() => dashboard(cache, options), TypeError, "authorize must be a function");
  }
});

test("authorize that throws lets nobody in", async () => {
  const { app } = setUp({
    authorize: () => {
      throw new Error("the directory is down");
    },
  });
  app.onError((_, c) => c.text("sorry", 500));
  assertEquals((await app.request("/ops/stats")).status, 500);
  // Otherwise an orchestrator would restart every process because the directory is down.
  for (const path of ["/ops/healthz", "/ops/readyz"]) {
    const response = await app.request(path);
    assertEquals([response.status, await response.json()], [200, { ok: true }]);
  }
});

test("/inspect asks all processes, and refuses an invalid key", async () => {
  const { cluster, app, group } = setUp();
  await cluster.clock.until(group.get("a/b ü"));
  const query = new URLSearchParams({ group: "texts", key: "a/b ü" });
  const response = await cluster.clock.until(Promise.resolve(app.request(`/ops/inspect?${query}`)));
  const replies = await response.json();
  assertEquals(replies.length, 3);
  assertEquals(
    replies.filter(({ inspection }: { inspection: { held: string } }) => inspection.held === "main")
      .length,
    1,
  );
  assertEquals((await app.request("/ops/inspect?group=texts")).status, 400);
  assertEquals((await app.request("/ops/inspect?group=none&key=a")).status, 400);
});

function remove(app: Hono, headers: Record<string, string>, body = { group: "texts", key: "key" }) {
  return app.request("/ops/actions/remove", {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
}

test("A key is removed only where actions are switched on, and only by the page itself", async () => {
  const readOnly = setUp();
  assertEquals((await remove(readOnly.app, { "groupcache-action": "remove" })).status, 404);

  const { cluster, app, group } = setUp({ actions: true });
  const loads = () =>
    cluster.caches.reduce(
      (sum, cache) => sum + (cache.stats().groups["texts"]?.localLoads ?? 0),
      0,
    );
  await cluster.clock.until(group.get("key"));
  const strangers = [
    {},
    { "sec-fetch-site": "same-origin" },
    { "groupcache-action": "remove", "sec-fetch-site": "cross-site" },
    { "groupcache-action": "remove", "sec-fetch-site": "same-site" },
    { "groupcache-action": "remove", "sec-fetch-site": "none" },
  ];
  for (const headers of strangers) {
    assertEquals((await remove(app, headers)).status, 403, JSON.stringify(headers));
  }
  await cluster.clock.until(group.get("key"));
  assertEquals(loads(), 1);

  const headers = { "groupcache-action": "remove", "sec-fetch-site": "same-origin" };
  assertEquals((await cluster.clock.until(Promise.resolve(remove(app, headers)))).status, 200);
  await cluster.clock.until(group.get("key"));
  assertEquals(loads(), 2);
  const wrong = { group: "none", key: "key" };
  assertEquals((await remove(app, headers, wrong)).status, 404);
  assertEquals((await remove(app, headers, { group: "texts", key: "" })).status, 400);
});

const REMOVE = { "groupcache-action": "remove", "sec-fetch-site": "same-origin" };

const BAD_BODIES = [
  "",
  "{",
  "null",
  "[]",
  '"text"',
  '{"group":"texts"}',
  '{"group":1,"key":"key"}',
];

for (const body of BAD_BODIES) {
  test(`A removal whose body is ${body || "empty"} is answered with what to send`, async () => {
    const { app } = setUp({ actions: true });
    const init = { method: "POST", headers: REMOVE, body };
    const response = await app.request("/ops/actions/remove", init);
    assertEquals(response.status, 400);
    assertMatch(await response.text(), /^Cannot remove the key: expected JSON such as \{"group"/);
  });
}

test("A removal whose declared body is too large is refused before any of it is read", async () => {
  const { app } = setUp({ actions: true });
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulls++;
      controller.enqueue(new Uint8Array(1000));
    },
  }, { highWaterMark: 0 });
  const headers = { ...REMOVE, "content-length": String(2 << 20) };
  const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
  assertEquals((await app.request("/ops/actions/remove", init)).status, 413);
  assertEquals(pulls, 0);
});

test("A removal whose body has no end is read no further than a key may be long", async () => {
  const { app } = setUp({ actions: true });
  let sentBytes = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sentBytes += 64 << 10;
      controller.enqueue(new Uint8Array(64 << 10));
    },
  });
  const init = { method: "POST", headers: REMOVE, body, duplex: "half" } as RequestInit;
  assertEquals((await app.request("/ops/actions/remove", init)).status, 413);
  assert(sentBytes <= 2 << 20, `${sentBytes} bytes`);
});

test("The page's scripts pass the type checker", () => {
  const folder = join(root, "lib/dashboard/page");
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const options =
    "--ignoreConfig --noEmit --allowJs --checkJs --strict --noUncheckedIndexedAccess " +
    "--noUnusedLocals --noUnusedParameters --allowImportingTsExtensions --lib esnext,dom,dom.iterable " +
    "--module preserve --target esnext --types";
  const { status, stdout } = spawnSync(
    findRuntime("bun") ?? "bun",
    [join(root, "node_modules/.bin/tsc"), ...options.split(" "), "", ...scripts],
    { cwd: folder, encoding: "utf8" },
  );
  assertEquals({ status, stdout }, { status: 0, stdout: "" });
}, { needs: ["bun"] });
