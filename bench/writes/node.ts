/**
 * One process of a cluster that makes changes when it is told to. Its first argument is the checkout
 * whose code it runs.
 */

import process from "node:process";
import { pathToFileURL } from "node:url";
import { serve } from "../../tests/runtime.ts";
import { print } from "../report.ts";

const [folder = ""] = process.argv.slice(2);
const { GroupCache } = await import(pathToFileURL(`${folder}/mod.ts`).href);

const VALUE = new Uint8Array(1024).fill(120);
const KEYS = 10_000;

let handle = (_request: Request, _info: unknown): Response | Promise<Response> => new Response();
const server = serve((request, info) => handle(request, info));
const cache = new GroupCache({ self: server.url });
const group = cache.group("values", { maxBytes: 64 << 20, load: () => VALUE });
handle = cache.handler(async (request: Request) => {
  const { searchParams } = new URL(request.url);
  const urls = searchParams.get("urls");
  if (urls !== null) {
    cache.setPeers(urls.split(","));
    return new Response();
  }
  const call = searchParams.get("call") as "set" | "remove";
  return Response.json(
    await run(call, Number(searchParams.get("callers")), Number(searchParams.get("ms"))),
  );
});
print(`listening on ${server.url}`);
// Exits together with its parent.
process.stdin.on("end", () => process.exit()).resume();

/** Changes per second, by callers that do not know of each other. */
async function run(call: "set" | "remove", callers: number, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const key = `key ${Math.floor(Math.random() * KEYS)}`;
      await (call === "set" ? group.set(key, VALUE) : group.remove(key));
      count++;
      for (let hops = Math.random() * 8; hops > 1; hops--) await new Promise(setImmediate);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return count / (performance.now() - start) * 1000;
}
