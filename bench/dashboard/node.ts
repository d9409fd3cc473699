/**
 * A process under full load, with a dashboard: callers that ask for keys by a Zipf law, of which most
 * belong to others, without a pause.
 *
 * @module
 */

import process from "node:process";
import { GroupCache, text } from "@groupcache/groupcache";
import { dashboard } from "@groupcache/groupcache/dashboard";
import { serve } from "../../tests/runtime.ts";

const { PORT = "8080", PEERS = "" } = process.env;
const CALLERS = 32;
const KEYS = 10_000;

const cache = new GroupCache({
  self: `http://127.0.0.1:${PORT}`,
  peers: PEERS.split(","),
  log: false,
});
const group = cache.group("texts", {
  maxBytes: 64 << 20,
  codec: text,
  load: (key) => `value of ${key}`.repeat(20),
});
const page = dashboard(cache);
let gets = 0;
serve(
  cache.handler((request, info) =>
    request.url.endsWith("/count")
      ? Response.json({ gets, cpuMs: cpuMs() })
      : page.fetch(request, info as object)
  ),
  { port: Number(PORT) },
);
process.stdin.on("end", () => process.exit(0)).resume();
// deno-lint-ignore no-console -- how the bench knows
console.log("serving");

for (let caller = 0; caller < CALLERS; caller++) work();

/** What it has had of the processor, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function work(): Promise<void> {
  for (;;) {
    try {
      await group.get(`key ${Math.floor(KEYS ** Math.random())}`);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (++gets % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
