import process from "node:process";
import { type Child, spawn } from "../../tests/processes/child.ts";
import type { Runtime } from "../../tests/runtime.ts";
import type { Demand, Sample } from "./callers.ts";
import type { Control, NodeOptions } from "./node.ts";

/** Where a process runs. */
export interface Place {
  url: string;
  /** The command that starts programs there. */
  via?: readonly string[];
}

type Order<Command extends keyof Control> = Parameters<Control[Command]>[0];

/** One process of the cluster, across restarts. */
export class Member implements AsyncDisposable {
  readonly url: string;
  readonly runtime: Runtime;
  #place: Place;
  #lives: Child[] = [];
  #isDown = true;
  #isDisposed = false;

  constructor(place: Place, runtime: Runtime) {
    this.url = place.url;
    this.runtime = runtime;
    this.#place = place;
  }

  /** Starts the process and waits until it serves. */
  async start(options: Omit<NodeOptions, "self">): Promise<void> {
    if (this.#isDisposed) throw new Error(`Cannot start ${this.url} any more`);
    const child = spawn("bench/chaos/node.ts", {
      runtime: this.runtime,
      args: [JSON.stringify({ self: this.url, ...options })],
      ...(this.#place.via === undefined ? {} : { via: this.#place.via }),
    });
    this.#lives.push(child);
    await child.line(/^serving /);
    this.#isDown = false;
  }

  /** Sends a command and returns its result. */
  async tell<Command extends keyof Control>(
    command: Command,
    order: Order<Command>,
  ): Promise<ReturnType<Control[Command]>> {
    const response = await fetch(`${this.url}/control`, {
      method: "POST",
      body: JSON.stringify({ command, order }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`Cannot have ${this.url} ${command}: ${answer}`);
    return answer;
  }

  /** Starts its callers. */
  startCallers(demand: Demand): Promise<void> {
    return this.tell("start", demand);
  }

  /** Stops its callers, and waits until all their results have been printed. */
  async stopCallers(): Promise<void> {
    if (this.#isDown) return;
    const name = crypto.randomUUID();
    await this.tell("stop", { name });
    await this.#child?.line(new RegExp(`^stopped ${name}$`));
  }

  /** Kills the process with a signal that it cannot handle. */
  async kill(): Promise<void> {
    this.#isDown = true;
    await this.#child?.kill("SIGKILL");
  }

  /** Makes it leave the cluster and exit. */
  async leave(drainMs: number): Promise<void> {
    this.#isDown = true;
    await this.tell("leave", { drainMs });
    await this.#child?.exited;
  }

  /** Freezes the process, as an overloaded machine does. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  /** Lets it continue. */
  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** What its callers saw, across restarts. */
  samples(): Sample[] {
    return this.#lives.flatMap(({ lines }) => lines.filter((line) => line.startsWith("{")))
      .map((line) => JSON.parse(line));
  }

  /** Unexpected output. */
  complaints(): string[] {
    return this.#lives.flatMap(({ lines }) =>
      lines.filter((line) => !/^(\{|serving |stopped )/.test(line))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#child?.[Symbol.asyncDispose]();
  }

  get #child(): Child | undefined {
    return this.#lives.at(-1);
  }

  #signal(signal: string): void {
    if (this.#child !== undefined) process.kill(this.#child.pid, signal);
  }
}
