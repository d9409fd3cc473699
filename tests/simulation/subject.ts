import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Public from "@groupcache/groupcache";
import type * as Placements from "@groupcache/groupcache/placement";
import { root } from "../runtime.ts";

/** What is simulated: what `mod.ts` exports, and the placements. */
export type Subject = typeof Public & { readonly placements: typeof Placements };

/**
 * The code to simulate.
 *
 * @param folder A checkout of this repository, to measure another version by the same rules.
 * @default this one
 */
export async function loadSubject(folder: string = root): Promise<Subject> {
  const load = (path: string) => import(pathToFileURL(resolve(folder, path)).href);
  return { ...await load("mod.ts"), placements: await load("lib/placement/mod.ts") };
}
