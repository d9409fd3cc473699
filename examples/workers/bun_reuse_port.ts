/**
 * Bun processes that share a public port through `reusePort` (on Linux), each a peer of the others on a
 * port of its own:
 *
 *     WORKERS=3 PORT=8080 bun run examples/workers/bun_reuse_port.ts &
 *     curl http://127.0.0.1:8080/about http://127.0.0.1:8080/about http://127.0.0.1:8080/about
 *
 * Their peer ports are 8081, 8082 and 8083. A process that dies is restarted on its port.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";

// Not needed if @types/bun is installed.
declare const Bun: {
  spawn(command: string[], options: {
    env: Record<string, string | undefined>;
    stdio: ["ignore", "inherit", "inherit"];
    ipc(): void;
    onExit(): void;
  }): { kill(signal: NodeJS.Signals): void };
};

const { WORKERS = navigator.hardwareConcurrency, PORT = "8080", PEER_PORT = "8081" } = process.env;
const ports = Array.from({ length: Number(WORKERS) }, (_, index) => Number(PEER_PORT) + index);
const peers = ports.map((port) => `http://127.0.0.1:${port}`);
const workers = new Map<number, ReturnType<typeof Bun.spawn>>();
let isEnding = false;

for (const port of ports) start(port);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    isEnding = true;
    for (const worker of workers.values()) worker.kill(signal);
  });
}

function start(port: number): void {
  const worker = Bun.spawn(
    [process.execPath, fileURLToPath(new URL("bun_worker.ts", import.meta.url))],
    {
      env: { ...process.env, PORT, PEER_PORT: String(port), PEERS: peers.join() },
      stdio: ["ignore", "inherit", "inherit"],
      ipc: () => {}, // Its end tells a worker that this process has died.
      onExit() {
        workers.delete(port);
        // The pause is for a worker that dies immediately.
        if (!isEnding) setTimeout(() => start(port), 500);
      },
    },
  );
  workers.set(port, worker);
}
