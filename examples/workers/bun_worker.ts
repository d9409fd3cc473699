// deno-lint-ignore-file no-console
/**
 * A worker that `bun_reuse_port.ts` starts. It shares the public port with the others, and is their
 * peer on a port of its own.
 *
 * @module
 */

import process from "node:process";
import { GroupCache, text } from "@groupcache/groupcache";

// With @types/bun installed this line is not needed.
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
  maxBytes: 64 << 20, // of each worker
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

// On loopback: nobody else has to reach the peers.
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

// The process that started this one has gone, and with it whoever would end this one.
process.on("disconnect", () => process.exit());
