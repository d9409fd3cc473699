import type { GroupStats } from "../../mod.ts";
import { type Child, spawn } from "../../tests/processes/child.ts";
import { freePorts, type Runtime } from "../../tests/runtime.ts";

/** How the workers of a machine are set up. */
export interface Setup {
  runtime: Runtime;
  /** How many there are. */
  workers: number;
  /** Whether they are peers of each other, or each has a cache of its own. */
  arePeers: boolean;
  /** The memory of all caches together. */
  totalBytes: number;
  /** How long the origin takes for a value, in milliseconds. */
  loadMs: number;
  /** How many loads the origin does at a time, of which each worker has its share. */
  loadsAtOnce: number;
}

/** One machine's workers behind one port. They are gone when it is disposed of. */
export class Machine implements AsyncDisposable {
  static #running = new Set<Machine>();
  static #areEnded = false;
  /** The port that they share. */
  readonly port: number;
  #peerPorts: readonly number[];
  #children: readonly Child[];

  private constructor(port: number, peerPorts: readonly number[], children: readonly Child[]) {
    this.port = port;
    this.#peerPorts = peerPorts;
    this.#children = children;
    Machine.#running.add(this);
  }

  /** Ends those that run, and lets no more be started. */
  static async endAll(): Promise<void> {
    Machine.#areEnded = true;
    await Promise.all([...Machine.#running].map((machine) => machine[Symbol.asyncDispose]()));
  }

  /** Starts the workers: threads of one Deno process, or processes of Bun. */
  static async start(setup: Setup): Promise<Machine> {
    const { runtime, workers, arePeers, totalBytes, loadMs, loadsAtOnce } = setup;
    const [port = 0, ...peerPorts] = await freePorts(1 + workers);
    // From here on until the workers are in the set nothing else runs.
    if (Machine.#areEnded) throw new Error("Cannot start a machine: all were ended");
    const env = {
      DENO_JOBS: String(workers),
      PORT: String(port),
      PEER_PORTS: peerPorts.join(),
      MAX_BYTES: String(Math.floor(totalBytes / workers)),
      LOAD_MS: String(loadMs),
      LOADS_AT_ONCE: String(loadsAtOnce / workers),
      ARE_PEERS: arePeers ? "1" : "0",
    };
    const start = (runtimeArgs: string[]) =>
      spawn("bench/workers/worker.ts", { runtime, runtimeArgs, env });
    const address = ["--host", "127.0.0.1", "--port", String(port)];
    const children = runtime === "deno"
      ? [start(["serve", "-A", "--parallel", ...address])]
      : Array.from({ length: workers }, () => start(["run"]));
    const machine = new Machine(port, peerPorts, children);
    try {
      await Promise.all(children.map((child) =>
        child.until(
          (lines) => {
            const ready = lines.filter((line) => line.includes("peers on")).length;
            // Of the port that they share, in the words of either runtime.
            const isListening = lines.some((line) => /istening on|^Started .*server/.test(line));
            return ready === (runtime === "bun" ? 1 : workers) && isListening || undefined;
          },
          "its workers",
        )
      ));
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** How often any of the workers has asked the origin. */
  async loads(): Promise<number> {
    const all = await Promise.all(this.#peerPorts.map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/stats`);
      const { localLoads } = await response.json() as GroupStats;
      return localLoads;
    }));
    return all.reduce((sum, loads) => sum + loads, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
    Machine.#running.delete(this);
  }
}
