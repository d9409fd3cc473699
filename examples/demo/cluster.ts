import { type Child, spawn } from "../../tests/processes/child.ts";
import { freePorts, type Runtime } from "../../tests/runtime.ts";

/** The counters of a process, as `/stats` reports them. */
export interface Counts {
  localLoads: number;
  peerLoads: number;
  hits: number;
  serverRequests: number;
}

/** One process of the cluster, across restarts. */
export class Node implements AsyncDisposable {
  readonly runtime: Runtime;
  readonly url: string;
  #env: Record<string, string>;
  #lives: Child[] = [];
  /** The counters of its earlier runs. */
  #past: Counts = { localLoads: 0, peerLoads: 0, hits: 0, serverRequests: 0 };

  constructor(runtime: Runtime, url: string, env: Record<string, string>) {
    this.runtime = runtime;
    this.url = url;
    this.#env = env;
  }

  get pid(): number | undefined {
    return this.#lives.at(-1)?.pid;
  }

  /** Starts the process and waits until it serves. */
  async start(): Promise<void> {
    const child = spawn("examples/thumbnails.ts", { runtime: this.runtime, env: this.#env });
    this.#lives.push(child);
    await child.line(/^serving /);
  }

  /** Kills the process with a signal that it cannot handle. */
  async kill(): Promise<void> {
    this.#past = await this.counts();
    await this.#lives.at(-1)?.kill("SIGKILL");
  }

  /** Returns its counters since the last start. */
  async countsOfThisLife(): Promise<Counts> {
    const response = await fetch(`${this.url}/stats`);
    const { groups } = await response.json() as { groups: { thumbnails: Counts } };
    return groups.thumbnails;
  }

  /** Returns its counters over all runs, except for requests that arrived while it was being killed. */
  async counts(): Promise<Counts> {
    return sumCounts([this.#past, await this.countsOfThisLife()]);
  }

  /** Returns the thumbnails that it rendered, from its output, independent of our own counters. */
  async rendered(): Promise<string[]> {
    const { localLoads } = await this.countsOfThisLife();
    // Its output may not have arrived yet.
    await this.#lives.at(-1)?.until(
      (lines) => renderedIn(lines).length >= localLoads ? true : undefined,
      `${localLoads} renders`,
    );
    return this.#lives.flatMap(({ lines }) => renderedIn(lines));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lives.at(-1)?.[Symbol.asyncDispose]();
  }
}

/** Processes that are all peers of each other. */
export class Cluster implements AsyncDisposable {
  nodes: readonly Node[] = [];
  #isDisposed = false;

  /** Starts a process on each of the given runtimes, on free ports. */
  async start(runtimes: readonly Runtime[], folder: string): Promise<void> {
    for (let attempt = 1;; attempt++) {
      const ports = await freePorts(runtimes.length);
      const urls = ports.map((port) => `http://127.0.0.1:${port}`);
      this.nodes = runtimes.map((runtime, index) =>
        new Node(runtime, urls[index] ?? "", {
          PORT: String(ports[index]),
          PEERS: urls.join(","),
          PICTURES: folder,
        })
      );
      try {
        return void await Promise.all(this.nodes.map((node) => node.start()));
      } catch (error) {
        await this.#kill();
        // Another program may have taken one of the ports in the meantime.
        if (this.#isDisposed || attempt === 3) throw error;
      }
    }
  }

  /** Returns the sum of all counters. */
  async counts(): Promise<Counts> {
    return sumCounts(await Promise.all(this.nodes.map((node) => node.counts())));
  }

  /** Returns the thumbnails that all processes rendered. */
  async rendered(): Promise<string[]> {
    return (await Promise.all(this.nodes.map((node) => node.rendered()))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#kill();
  }

  async #kill(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

function renderedIn(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("rendered "));
}

function sumCounts(all: readonly Counts[]): Counts {
  const sum = (name: keyof Counts) => all.reduce((sum, counts) => sum + counts[name], 0);
  return {
    localLoads: sum("localLoads"),
    peerLoads: sum("peerLoads"),
    hits: sum("hits"),
    serverRequests: sum("serverRequests"),
  };
}
