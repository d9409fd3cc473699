import { type Child, spawn } from "../../tests/processes/child.ts";
import { freePorts, type Runtime } from "../../tests/runtime.ts";

/** What a process counts of its thumbnails, as `/stats` gives it. */
export interface Counts {
  localLoads: number;
  peerLoads: number;
  hits: number;
  serverRequests: number;
}

/** One process of the cluster, through all its lives. */
export class Node implements AsyncDisposable {
  readonly runtime: Runtime;
  readonly url: string;
  #env: Record<string, string>;
  #lives: Child[] = [];
  /** What it had counted in its earlier lives. */
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

  /** Kills the process, in a way about which it can do nothing. */
  async kill(): Promise<void> {
    this.#past = await this.counts();
    await this.#lives.at(-1)?.kill("SIGKILL");
  }

  /** What it has counted since it was started last. */
  async countsOfThisLife(): Promise<Counts> {
    const response = await fetch(`${this.url}/stats`);
    const { groups } = await response.json() as { groups: { thumbnails: Counts } };
    return groups.thumbnails;
  }

  /** What it has counted in all its lives, except what came in while it was being killed. */
  async counts(): Promise<Counts> {
    return sumCounts([this.#past, await this.countsOfThisLife()]);
  }

  /** The thumbnails that it rendered, by what it printed, which no counter of ours is part of. */
  async rendered(): Promise<string[]> {
    const { localLoads } = await this.countsOfThisLife();
    // What it printed may be on its way still.
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

/** The processes, each of which knows all of them. */
export class Cluster implements AsyncDisposable {
  nodes: readonly Node[] = [];
  #isDisposed = false;

  /** Starts a process for each of the runtimes named, on ports that are free. */
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
        // Another program may have taken one of the ports meanwhile.
        if (this.#isDisposed || attempt === 3) throw error;
      }
    }
  }

  /** What all have counted. */
  async counts(): Promise<Counts> {
    return sumCounts(await Promise.all(this.nodes.map((node) => node.counts())));
  }

  /** The thumbnails that all have rendered. */
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
