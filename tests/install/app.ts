/**
 * A program as a user would write it, for either runtime. The tests copy it into a fresh folder
 * and install the package there.
 *
 * It prints its base URL, serves pages through the cache, takes its list of peers, and ends when
 * its input does.
 */

import process from "node:process";
import { type FetchHandler, GroupCache, text } from "@groupcache/groupcache";

// deno-lint-ignore no-explicit-any -- there are no types for it in Deno
const { Bun } = globalThis as any;
const runtime = Bun === undefined ? "Deno" : "Bun";
const hostname = "127.0.0.1";

const serve = (request: Request, ...rest: unknown[]) => handler(request, ...rest);
const port: number = Bun === undefined
  ? Deno.serve({ hostname, port: 0, onListen: () => {} }, serve).addr.port
  : Bun.serve({ hostname, port: 0, fetch: serve }).port;

const self = `http://${hostname}:${port}`;
const cache = new GroupCache({ self });
const pages = cache.group("pages", {
  maxBytes: 1 << 20,
  codec: text,
  load: (path) => `${path} from ${runtime}`,
});
const handler: FetchHandler = cache.handler(async (request) => {
  const path = new URL(request.url).pathname;
  if (path === "/peers") {
    cache.setPeers(await request.json());
    return new Response();
  }
  if (path === "/stats") return Response.json(pages.stats());
  return new Response(await pages.get(path));
});

process.stdin.resume().on("end", () => process.exit());
// deno-lint-ignore no-console -- how the test learns where to ask
console.log(self);
