// deno-lint-ignore-file no-console
/**
 * A process of a cluster behind `Bun.serve`. Run two of them:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082
 *     PORT=8081 bun run examples/mount_in_bun.ts &
 *     PORT=8082 bun run examples/mount_in_bun.ts &
 *     curl http://127.0.0.1:8081/about http://127.0.0.1:8082/about
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

// Not needed if @types/bun is installed.
declare const Bun: {
  env: Record<string, string | undefined>;
  serve<Server>(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: Server): Response | Promise<Response>;
  }): Server;
};

const port = Number(Bun.env["PORT"] ?? 8081);
const self = `http://127.0.0.1:${port}`;
const peers = (Bun.env["PEERS"] ?? self).split(",");

const cache = new GroupCache({ self, peers });
const pages = cache.group("pages", {
  maxBytes: 64 << 20,
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

// Requests from peers go to the cache, all others to this function. Bun passes the server as the second
// argument; the cache uses it to exempt slow loads from Bun's idle timeout.
const fetch = cache.handler(async (request, _server: unknown) =>
  new Response(await pages.get(new URL(request.url).pathname))
);
Bun.serve({ hostname: "127.0.0.1", port, fetch });
