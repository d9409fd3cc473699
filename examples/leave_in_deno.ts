// deno-lint-ignore-file no-console
/**
 * A process that leaves its cluster without a visible effect, behind `Deno.serve`. Run two of them and
 * terminate one:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082
 *     PORT=8081 deno run -A examples/leave_in_deno.ts &
 *     PORT=8082 deno run -A examples/leave_in_deno.ts &
 *     curl http://127.0.0.1:8081/about http://127.0.0.1:8082/about
 *     kill %1; wait %1
 *     curl http://127.0.0.1:8082/about
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

const port = Number(Deno.env.get("PORT") ?? 8081);
const self = `http://127.0.0.1:${port}`;
const peers = (Deno.env.get("PEERS") ?? self).split(",");
const loadMs = Number(Deno.env.get("LOAD_MS") ?? 200);

const cache = new GroupCache({ self, peers });
const pages = cache.group("pages", {
  maxBytes: 64 << 20,
  codec: text,
  async load(path) {
    console.log(`loading ${path}`);
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    return `<h1>${path}</h1>`;
  },
});

const handler = cache.handler(async (request) =>
  new Response(await pages.get(new URL(request.url).pathname))
);
const server = Deno.serve({ hostname: "127.0.0.1", port }, handler);

Deno.addSignalListener("SIGTERM", async () => {
  console.log("leaving");
  // The server still runs, so that peers can fetch what they take over. A second signal ends this.
  await cache.close({ drainMs: 5000 });
  await server.shutdown();
  Deno.exit();
});
