// deno-lint-ignore-file no-console
/**
 * Two caches with a server each. Gets keys of the second from the first, each within a span, while its
 * runtime exports the spans.
 *
 * @module
 */

import { context, trace } from "@opentelemetry/api";
import { GroupCache, text } from "@groupcache/groupcache";
import { openTelemetryTracer } from "@groupcache/groupcache/metrics";
import { serve } from "../runtime.ts";

const app = trace.getTracer("app");
const tracer = openTelemetryTracer({ context, trace });

let caches: GroupCache[] = [];
let requests = 0;
const servers = [0, 1].map((index) =>
  serve((request) => {
    if (request.method === "GET") requests++;
    return caches[index]?.fetch(request) ?? new Response("", { status: 503 });
  })
);
const urls = servers.map(({ url }) => url);
caches = urls.map((self) =>
  new GroupCache({
    self,
    peers: urls,
    tracer,
    authorize: () => true,
    placement: { name: "test", rank: () => () => new Set([...urls].reverse()) },
  })
);
const [asker, owner] = caches.map((cache) =>
  cache.group("texts", {
    maxBytes: 1 << 20,
    codec: text,
    load: (key) =>
      app.startActiveSpan(`query ${key}`, async (span) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        span.end();
        if (key === "bad") throw new Error("no table");
        return `value of ${key}`;
      }),
  })
);

function get(key: string): Promise<unknown> {
  return app.startActiveSpan(`request ${key}`, async (span) => {
    await asker?.get(key).catch(() => {});
    span.end();
  });
}

await get("first");
let before: number;
let calls = 0;
// The first calls are requests, in the background of which a channel is opened.
do {
  before = requests;
  await get(`warm up ${calls++}`);
} while (requests > before && calls < 500);
before = requests;
await get("by channel");
await get("bad");
console.log(`${owner?.stats().localLoads} loads, ${requests - before} requests in the end`);
await Promise.all(caches.map((cache) => cache.close()));
await Promise.all(servers.map((server) => server.stop()));
