// deno-lint-ignore-file no-console
/**
 * A process that leaves its cluster without a visible effect, behind `Bun.serve`. Run two of them and
 * terminate one:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082
 *     PORT=8081 bun run examples/leave_in_bun.ts &
 *     PORT=8082 bun run examples/leave_in_bun.ts &
 *     curl http://127.0.0.1:8081/about http://127.0.0.1:8082/about
 *     kill %1; wait %1
 *     curl http://127.0.0.1:8082/about
 *
 * @module
 */

import process from "node:process";
import { GroupCache, text } from "@groupcache/groupcache";

// Not needed if @types/bun is installed.
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: unknown): Response | Promise<Response>;
  }): { stop(): Promise<void> };
};

const { PORT = "8081", PEERS = `http://127.0.0.1:${PORT}`, LOAD_MS = "200" } = process.env;

const cache = new GroupCache({ self: `http://127.0.0.1:${PORT}`, peers: PEERS.split(",") });
const pages = cache.group("pages", {
  maxBytes: 64 << 20,
  codec: text,
  async load(path) {
    console.log(`loading ${path}`);
    await new Promise((resolve) => setTimeout(resolve, Number(LOAD_MS)));
    return `<h1>${path}</h1>`;
  },
});

// Bun passes the server as the second argument, which the handler forwards to the cache.
const fetch = cache.handler(async (request, _server: unknown) =>
  new Response(await pages.get(new URL(request.url).pathname))
);
const server = Bun.serve({ hostname: "127.0.0.1", port: Number(PORT), fetch });

process.on("SIGTERM", async () => {
  console.log("leaving");
  // The server still runs, so that peers can fetch what they take over. A second signal ends this.
  await cache.close({ drainMs: 5000 });
  await server.stop();
  process.exit();
});
