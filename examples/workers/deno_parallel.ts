// deno-lint-ignore-file no-console
/**
 * The workers of `deno serve --parallel`, each a peer of the others on a port of its own:
 *
 *     DENO_JOBS=3 deno serve -A --parallel --host 127.0.0.1 --port 8080 examples/workers/deno_parallel.ts &
 *     curl http://127.0.0.1:8080/about http://127.0.0.1:8080/about http://127.0.0.1:8080/about
 *
 * Every worker runs this module and does not know its own number, so each takes the first free peer
 * port: 8081, 8082 or 8083.
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

// A worker with an uncaught error ends silently and is not restarted, so end the whole process instead.
addEventListener("error", ({ error }) => fail(error));
addEventListener("unhandledrejection", ({ reason }) => fail(reason));

const jobs = Number(Deno.env.get("DENO_JOBS") ?? navigator.hardwareConcurrency);
const firstPort = Number(Deno.env.get("PEER_PORT") ?? 8081);
const ports = Array.from({ length: jobs }, (_, index) => firstPort + index);

const port = listen();
const peers = ports.map((port) => `http://127.0.0.1:${port}`);
const cache = new GroupCache({ self: `http://127.0.0.1:${port}`, peers });
const pages = cache.group("pages", {
  maxBytes: 64 << 20, // for each worker
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

/** Serves peers on the first free port, on loopback: only the other workers connect here. */
function listen(): number {
  for (const port of ports) {
    try {
      const server = Deno.serve(
        { hostname: "127.0.0.1", port, onListen: () => {} },
        // The list of peers is set once the cache exists.
        (request, info) => cache.fetch(request, info),
      );
      // `deno serve` exits once its own server has shut down.
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
