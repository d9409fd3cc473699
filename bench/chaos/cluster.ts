import { freePorts, type Runtime } from "../../tests/runtime.ts";
import { type Demand, keysIn } from "./callers.ts";
import { Member, type Place } from "./member.ts";
import { Origin } from "./origin.ts";
import { Traffic } from "./traffic.ts";

/** Options for {@linkcode Cluster}. */
export interface ClusterOptions {
  /** The runtimes of the processes, in turn. */
  runtimes: readonly Runtime[];
  /** Where the processes run. */
  places?: readonly Place[];
  /** The address of the origin. */
  originHost?: string;
}

/** Processes and their origin, and a record of events. */
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

  /** Starts processes that are all peers and end with the stack. */
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

  /** Starts one more process, which the others do not know yet. */
  async grow(): Promise<void> {
    const [place] = await loopback(1);
    if (place !== undefined) await this.restart(this.#add(place));
  }

  /** Starts a process, or restarts it at its previous place. */
  restart(member: Member): Promise<void> {
    return member.start({ peers: this.urls, origin: this.origin.url });
  }

  /** Starts callers in the given processes, by default in all. */
  async startCallers(demand: Demand, members: readonly Member[] = this.members): Promise<void> {
    await Promise.all(members.map((member) => member.startCallers(demand)));
  }

  /** Stops all callers. */
  async stopCallers(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stopCallers()));
  }

  /** Gets all current keys in all processes. Returns the errors. */
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

  /** What callers saw in the given processes, by default in all. */
  traffic(members: readonly Member[] = this.members): Traffic {
    return new Traffic(members.flatMap((member) => member.samples()));
  }

  /** Records an action, for the trace. */
  note(what: string): void {
    this.#notes.push({ atMs: Date.now(), what });
  }

  /** All actions, failures and repeated loads, in order. */
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

/** Places on this machine, on ports below those of outgoing connections. */
async function loopback(count: number): Promise<Place[]> {
  const ports = await freePorts(count);
  return ports.map((port) => ({ url: `http://127.0.0.1:${port}` }));
}
