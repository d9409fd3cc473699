import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Public from "@groupcache/groupcache";
import { root } from "../runtime.ts";

/** What is simulated: what `mod.ts` exports. */
export type Subject = typeof Public;

/**
 * The code to simulate.
 *
 * @param folder A checkout of this repository, to measure another version by the same rules.
 * @default this one
 */
export async function loadSubject(folder: string = root): Promise<Subject> {
  return await import(pathToFileURL(resolve(folder, "mod.ts")).href);
}
