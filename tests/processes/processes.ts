import type { Runtime } from "../runtime.ts";
import { type Child, spawn } from "./child.ts";
import type { Control } from "./node.ts";

/** How long anything here may take, in milliseconds, before a test gives up on it. */
export const DEADLINE_MS = 30_000;

type Order<Command extends keyof Control> = Parameters<Control[Command]>;

/** A process of a cluster, which does what it is told. */
export interface Process {
  readonly child: Child;
  readonly url: string;
  tell<Command extends keyof Control>(
    command: Command,
    ...order: Order<Command>
  ): Promise<ReturnType<Control[Command]>>;
}

/** Processes that are gone when it is disposed of. */
export class Processes extends AsyncDisposableStack {
  /** Starts one, without peers. */
  async start(runtime: Runtime, ...args: string[]): Promise<Process> {
    const child = this.use(spawn("tests/processes/node.ts", { runtime, args }));
    const [, url = ""] = await child.line(/^serving (\S+)$/, DEADLINE_MS);
    return {
      child,
      url,
      async tell(command, ...[order]) {
        const body = JSON.stringify({ command, order: order ?? {} });
        const response = await fetch(`${url}/control`, { method: "POST", body });
        const answer = await response.json();
        if (!response.ok) throw new Error(`Cannot ${command}: ${answer}`);
        return answer;
      },
    };
  }

  /** Starts one for each of the runtimes, all of them peers. */
  async startCluster<const Runtimes extends readonly Runtime[]>(
    runtimes: Runtimes,
  ): Promise<{ [Index in keyof Runtimes]: Process }> {
    const processes = await Promise.all(runtimes.map((runtime) => this.start(runtime)));
    await join(processes);
    return processes as { [Index in keyof Runtimes]: Process };
  }
}

/** Makes peers of processes, with empty caches. One may own all keys. */
export async function join(processes: readonly Process[], owner?: Process): Promise<void> {
  const peers = processes.map(({ url }) => url);
  const order = owner === undefined ? { peers } : { peers, owner: owner.url };
  await Promise.all(processes.map((process) => process.tell("join", order)));
}

/** Asks again and again until something is so. */
export async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!await isSo()) {
    if (performance.now() > deadline) throw new Error(`Cannot wait any longer until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until each process has got so many more values. */
export async function untilGets(processes: readonly Process[], count: number): Promise<void> {
  await Promise.all(processes.map(async (process) => {
    const before = (await process.tell("state")).traffic.gets;
    await until(
      async () => (await process.tell("state")).traffic.gets >= before + count,
      `there are ${count} more gets`,
    );
  }));
}
