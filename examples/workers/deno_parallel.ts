// deno-lint-ignore-file no-console
/**
 * The workers of `deno serve --parallel`, each a peer of the others on a port of its own:
 *
 *     DENO_JOBS=3 deno serve -A --parallel --host 127.0.0.1 --port 8080 examples/workers/deno_parallel.ts &
 *     curl http://127.0.0.1:8080/about http://127.0.0.1:8080/about http://127.0.0.1:8080/about
 *
 * Every worker runs this module, and none is told which one it is. So each takes the first peer port
 * that is free: 8081, 8082 or 8083.
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

// A worker that fails ends without a word, and nobody starts it again. So all of them end.
addEventListener("error", ({ error }) => fail(error));
addEventListener("unhandledrejection", ({ reason }) => fail(reason));

const jobs = Number(Deno.env.get("DENO_JOBS") ?? navigator.hardwareConcurrency);
const firstPort = Number(Deno.env.get("PEER_PORT") ?? 8081);
const ports = Array.from({ length: jobs }, (_, index) => firstPort + index);

const port = listen();
const peers = ports.map((port) => `http://127.0.0.1:${port}`);
const cache = new GroupCache({ self: `http://127.0.0.1:${port}`, peers });
const pages = cache.group("pages", {
  maxBytes: 64 << 20, // of each worker
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

/** Serves peers on the first port that is free, on loopback: nobody else has to reach them. */
function listen(): number {
  for (const port of ports) {
    try {
      const server = Deno.serve(
        { hostname: "127.0.0.1", port, onListen: () => {} },
        // Peers come after the cache has been made.
        (request, info) => cache.fetch(request, info),
      );
      // `deno serve` ends when its own server has shut down.
      server.unref();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`Cannot find a free peer port: expected one of ${ports}`);
}

function fail(error: unknown): never {
  console.error(error);
  Deno.exit(1);
}

console.log(`serving peers on ${port}`);
const server: Deno.ServeDefaultExport = {
  fetch: async (request) =>
    new Response(await pages.get(new URL(request.url).pathname), {
      headers: { worker: String(port) },
    }),
};
export default server;
