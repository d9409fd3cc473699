import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium, type Page } from "playwright-core";
import { test } from "../runtime.ts";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** What keeps it from looking for anything outside this machine. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const path = process.env["GROUPCACHE_CHROMIUM"] ?? PATHS.find((path) => existsSync(path));

/** Starts a browser. */
export function startBrowser(): Promise<Browser> {
  if (path === undefined) throw new Error("Cannot start a browser: there is none here");
  return chromium.launch({ executablePath: path, args: ARGS });
}

/** Declares a test that needs a browser. Without one it shows as skipped, or fails if it is required. */
export function browserTest(name: string, body: () => Promise<void>): void {
  if (path !== undefined) return test(name, body);
  const isRequired = process.env["GROUPCACHE_REQUIRE_BROWSER"] === "1";
  const why = "there is no Chromium here";
  test(
    `${name} (${why})`,
    () => Promise.reject(new Error(`Cannot run the test: ${why}`)),
    { ignore: !isRequired },
  );
}

/** A page, and all that it complains of. */
export interface WatchedPage extends AsyncDisposable {
  page: Page;
  /** Errors, warnings and violations of the policy, as the console shows them. */
  complaints: string[];
}

/** How a page is looked at. */
export interface Look {
  /** @default 1280 */
  width?: number;
  /** @default 900 */
  height?: number;
  /** @default "light" */
  theme?: "light" | "dark";
}

/** Opens a page. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, height = 900, theme = "light" }: Look = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "log") complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
