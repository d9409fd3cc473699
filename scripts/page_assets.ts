/**
 * Puts the files of the dashboard's page into a module, so that they travel with the package and
 * need no reading at run time:
 *
 *     deno task page
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

const FOLDER = new URL("../lib/dashboard/page/", import.meta.url);
const MODULE = new URL("../lib/dashboard/page_assets.ts", import.meta.url);

/** The text of the module as it has to be. */
export function pageAssets(): string {
  const files = readdirSync(FOLDER).sort().map((name) => {
    const text = readFileSync(new URL(name, FOLDER), "utf8");
    return `  ${JSON.stringify(name)}: ${JSON.stringify(text)},\n`;
  });
  return "// Made from the files in page/ by `deno task page`: change those.\n\n" +
    "/** The files of the page, by name. */\n" +
    `export const PAGE_ASSETS: Readonly<Record<string, string>> = {\n${files.join("")}};\n`;
}

/** The text of the module as it is. */
export function presentPageAssets(): string {
  return readFileSync(MODULE, "utf8");
}

if (process.argv.includes("--write")) writeFileSync(MODULE, pageAssets());
