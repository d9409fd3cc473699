// deno-lint-ignore-file no-console
/**
 * A worker started by `bun_reuse_port.ts`. It shares the public port with the others and is their peer on
 * a port of its own.
 *
 * @module
 */

import process from "node:process";
import { GroupCache, text } from "@groupcache/groupcache";

// Not needed if @types/bun is installed.
declare const Bun: {
  serve<Server>(options: {
    hostname: string;
    port: number;
    reusePort?: boolean;
    fetch(request: Request, server: Server): Response | Promise<Response>;
  }): Server;
};

const hostname = "127.0.0.1";
const { PORT = "", PEER_PORT = "", PEERS = "" } = process.env;

const cache = new GroupCache({ self: `http://${hostname}:${PEER_PORT}`, peers: PEERS.split(",") });
const pages = cache.group("pages", {
  maxBytes: 64 << 20, // for each worker
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

// On loopback: only the other workers connect here.
Bun.serve({ hostname, port: Number(PEER_PORT), fetch: cache.fetch });
Bun.serve({
  hostname,
  port: Number(PORT),
  reusePort: true,
  fetch: async (request) =>
    new Response(await pages.get(new URL(request.url).pathname), {
      headers: { worker: PEER_PORT },
    }),
});
console.log(`serving peers on ${PEER_PORT}, process ${process.pid}`);

// The parent has died and can no longer stop this process.
process.on("disconnect", () => process.exit());
