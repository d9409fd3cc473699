import type { GroupStats } from "../../mod.ts";
import { type Child, spawn } from "../../tests/processes/child.ts";
import { freePorts, type Runtime } from "../../tests/runtime.ts";

/** The configuration of the workers. */
export interface Setup {
  runtime: Runtime;
  /** The number of workers. */
  workers: number;
  /** Whether they are peers, or have separate caches. */
  arePeers: boolean;
  /** The total memory of all caches, in bytes. */
  totalBytes: number;
  /** How long a load takes, in milliseconds. */
  loadMs: number;
  /** How many loads the origin runs at a time. Each worker has its share of them. */
  loadsAtOnce: number;
}

/** Workers behind one port. Disposing of it ends them. */
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

  /** Ends the running workers and prevents new ones. */
  static async endAll(): Promise<void> {
    Machine.#areEnded = true;
    await Promise.all([...Machine.#running].map((machine) => machine[Symbol.asyncDispose]()));
  }

  /** Starts the workers: threads of one Deno process, or processes of Bun. */
  static async start(setup: Setup): Promise<Machine> {
    const { runtime, workers, arePeers, totalBytes, loadMs, loadsAtOnce } = setup;
    const [port = 0, ...peerPorts] = await freePorts(1 + workers);
    // Nothing else runs from here until the workers are in the set.
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
            // The runtimes' messages about the shared port.
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

  /** The total number of loads of all workers. */
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
