/**
 * A worker behind a shared public port, for `deno serve --parallel` and for Bun. It serves its peers and
 * its counters on the first free peer port.
 */

import process from "node:process";
import { GroupCache } from "../../mod.ts";
import { serve, type Server } from "../../tests/runtime.ts";
import { print } from "../report.ts";

const { PORT, PEER_PORTS = "", MAX_BYTES, LOAD_MS, LOADS_AT_ONCE, ARE_PEERS } = process.env;
const ports = PEER_PORTS.split(",").map(Number);
const VALUE = new Uint8Array(1024).fill(97);

// It exits together with its parent, by a signal: in a thread of Deno, `exit` would end only the thread.
process.stdin.on("end", () => process.kill(process.pid, "SIGKILL")).resume();

let free = Number(LOADS_AT_ONCE);
const waiting: (() => void)[] = [];

const server = listen();
const cache = ARE_PEERS === "1"
  ? new GroupCache({ self: server.url, peers: ports.map((port) => `http://127.0.0.1:${port}`) })
  : new GroupCache();
const pages = cache.group("pages", {
  maxBytes: Number(MAX_BYTES),
  load: async () => {
    await connection();
    await new Promise((resolve) => setTimeout(resolve, Number(LOAD_MS)));
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
    return VALUE;
  },
});

/** Resolves once a connection to the origin is free. */
async function connection(): Promise<void> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
}

function listen(): Server {
  for (const port of ports) {
    try {
      return serve(
        (request, info) =>
          request.url.endsWith("/stats")
            ? Response.json(pages.stats())
            : cache.fetch(request, info),
        { port },
      );
    } catch {
      // Taken by another worker.
    }
  }
  throw new Error(`Cannot find a free peer port: expected one of ${PEER_PORTS}`);
}

print(`peers on ${server.url}`);

const app: {
  hostname: string;
  port: number;
  reusePort: boolean;
  fetch: (request: Request) => Promise<Response>;
} = {
  // For Bun. Deno reads these from the command line.
  hostname: "127.0.0.1",
  port: Number(PORT),
  reusePort: true,
  fetch: async (request) => (await pages.get(new URL(request.url).pathname)).toResponse(),
};
export default app;
