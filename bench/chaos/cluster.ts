import { freePorts, type Runtime } from "../../tests/runtime.ts";
import { type Demand, keysIn } from "./callers.ts";
import { Member, type Place } from "./member.ts";
import { Origin } from "./origin.ts";
import { Traffic } from "./traffic.ts";

/** What a cluster is made of. */
export interface ClusterOptions {
  /** The runtimes of the processes, in turn. */
  runtimes: readonly Runtime[];
  /** Where the processes run. */
  places?: readonly Place[];
  /** The address of what values are loaded from. */
  originHost?: string;
}

/** Processes, what they load from, and what goes on among them. */
export class Cluster implements AsyncDisposable {
  readonly origin: Origin;
  readonly members: Member[] = [];
  #options: ClusterOptions;
  #startedMs = Date.now();
  #notes: { atMs: number; what: string }[] = [];

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.origin = new Origin(options.originHost);
  }

  /** Starts as many processes, all of them peers, which end with the stack. */
  static async start(
    count: number,
    stack: AsyncDisposableStack,
    options: ClusterOptions,
  ): Promise<Cluster> {
    const places = options.places ?? await loopback(count);
    const cluster = stack.use(new Cluster(options));
    for (const place of places) cluster.#add(place);
    await Promise.all(cluster.members.map((member) => cluster.restart(member)));
    return cluster;
  }

  get urls(): string[] {
    return this.members.map(({ url }) => url);
  }

  /** Starts one more process; the others know nothing of it yet. */
  async grow(): Promise<void> {
    const [place] = await loopback(1);
    if (place !== undefined) await this.restart(this.#add(place));
  }

  /** Starts a process, where it ran before if it did. */
  restart(member: Member): Promise<void> {
    return member.start({ peers: this.urls, origin: this.origin.url });
  }

  /** Has callers start in processes, in all unless some are named. */
  async startCallers(demand: Demand, members: readonly Member[] = this.members): Promise<void> {
    await Promise.all(members.map((member) => member.startCallers(demand)));
  }

  /** Has all callers stop. */
  async stopCallers(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stopCallers()));
  }

  /** Gets all keys in demand, in all processes. Returns what went wrong. */
  async getAll(demand: Demand): Promise<string[]> {
    const failures: string[] = [];
    const keys = keysIn(demand);
    for (let first = 0; first < keys.length; first += 500) {
      const order = { keys: keys.slice(first, first + 500) };
      const answers = await Promise.all(this.members.map((member) => member.tell("get", order)));
      failures.push(...answers.flat());
    }
    return failures;
  }

  /** What callers saw, in all processes unless some are named. */
  traffic(members: readonly Member[] = this.members): Traffic {
    return new Traffic(members.flatMap((member) => member.samples()));
  }

  /** Keeps in mind that something was done, to be able to tell what it led to. */
  note(what: string): void {
    this.#notes.push({ atMs: Date.now(), what });
  }

  /** All that was noted, failed or loaded more than once, in order. */
  trace(): string[] {
    const count = this.origin.loadsByKey();
    const loads = this.origin.loads.filter(({ key }) => (count.get(key) ?? 0) > 1)
      .map(({ key, by, atMs }) => ({ atMs, what: `${by} loads ${key}` }));
    const failures = this.members.flatMap((member) =>
      this.traffic([member]).failures.map(({ atMs, what }) => ({
        atMs,
        what: `${member.url} fails with ${what}`,
      }))
    );
    const complaints = this.members.flatMap((member) =>
      member.complaints().map((line) => `${member.url} says ${line}`)
    );
    return [...loads, ...failures, ...this.#notes].sort((a, b) => a.atMs - b.atMs)
      .map(({ atMs, what }) => `${((atMs - this.#startedMs) / 1000).toFixed(3)} ${what}`)
      .concat(complaints);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
    await this.origin[Symbol.asyncDispose]();
  }

  #add(place: Place): Member {
    const { runtimes } = this.#options;
    const runtime = runtimes[this.members.length % runtimes.length] ?? "deno";
    const member = new Member(place, runtime);
    this.members.push(member);
    return member;
  }
}

/** Places on this machine, below the ports that outgoing connections take. */
async function loopback(count: number): Promise<Place[]> {
  const ports = await freePorts(count);
  return ports.map((port) => ({ url: `http://127.0.0.1:${port}` }));
}
