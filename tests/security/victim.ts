/**
 * A process that is attacked. It says how to reach it, and how much memory it takes, to whoever asks:
 * `/memory` for the most since `/mark`, in bytes above what it took then; `/get?key=` has it ask its peer.
 *
 * Arguments: the base URL of its only peer, which then owns all keys; or none.
 */

import process from "node:process";
import { GroupCache, text } from "../../mod.ts";
import { serve } from "../runtime.ts";
import { collectGarbage } from "./memory.ts";

const [peer] = process.argv.slice(2);

let startBytes = 0;
let mostBytes = 0;
function sample(): void {
  mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
}
setInterval(sample, 10);

const server = serve(async (request, info) => {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/mark":
      collectGarbage();
      startBytes = mostBytes = process.memoryUsage.rss();
      return new Response();
    case "/memory":
      sample();
      return Response.json(mostBytes - startBytes);
    case "/now":
      collectGarbage();
      return Response.json(process.memoryUsage.rss() - startBytes);
    case "/get": {
      const group = searchParams.get("group") === "texts" ? texts : values;
      const outcome = await group.get(searchParams.get("key") ?? "", {
        signal: AbortSignal.timeout(20_000),
      }).then(() => "a value", String);
      return new Response(outcome);
    }
  }
  return await cache.fetch(request, info);
});

const self = server.url;
const cache = new GroupCache({
  self,
  peers: peer === undefined ? [self] : [self, peer],
  placement: { name: "the others", rank: (urls) => () => urls.toReversed() },
});
/** The key says how many bytes the value has, in KiB, and after how many milliseconds it is there. */
async function load(key: string): Promise<Uint8Array<ArrayBuffer>> {
  const [kib = 0, ms = 0] = key.split(":").map(Number);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return new Uint8Array(kib * 1024).fill(1);
}
const values = cache.group("values", { maxBytes: 256 << 20, load });
cache.group("little", { maxBytes: 1 << 20, load });
const texts = cache.group("texts", { maxBytes: 1 << 20, codec: text, load: (key) => key });

process.stdin.resume();
process.stdin.on("end", () => process.exit());
// deno-lint-ignore no-console -- read by whoever starts this
console.log(`serving ${self}`);
