/** One process of a cluster, told over HTTP what to do. */

import process from "node:process";
import { GroupCache } from "../../mod.ts";
import { serve } from "../../tests/runtime.ts";
import { print } from "../report.ts";
import { tasksOf } from "./tasks.ts";
import { VALUE, valueOf } from "./value.ts";

/** How long the load of a key that begins with "slow" takes, in milliseconds. */
const SLOW_MS = 1000;

let handle = (_request: Request, _info: unknown): Response | Promise<Response> => new Response();
const server = serve((request, info) => handle(request, info));
const auth = process.env["GROUPCACHE_BENCH_AUTH"]
  ? { auth: { secrets: ["the secret of this benchmark"] } }
  : {};
const maxChannels = process.env["GROUPCACHE_BENCH_MAX_CHANNELS"];
const limits = maxChannels === undefined ? {} : { maxChannels: Number(maxChannels) };
const cache = new GroupCache({ self: server.url, limits, ...auth });
const options = {
  maxBytes: 256 << 20,
  load: async (key: string) => {
    if (key.startsWith("slow")) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    const [kind, bytes] = key.split(":");
    return kind === "size" ? valueOf(Number(bytes)) : VALUE;
  },
};
const tasks = tasksOf({
  self: server.url,
  cache,
  plain: cache.group("plain", { ...options, mirrorMinuteQps: Infinity }),
  mirrored: cache.group("mirrored", options),
});
handle = cache.handler(async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  const task = tasks[pathname.slice(1)];
  if (task === undefined) return new Response(`Cannot find ${pathname}`, { status: 404 });
  try {
    return Response.json(await task(Object.fromEntries(searchParams)) ?? null);
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
});
print(`listening on ${server.url}`);
// Exits together with its parent.
process.stdin.on("end", () => process.exit()).resume();
