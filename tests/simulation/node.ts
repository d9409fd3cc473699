import type { GroupCache } from "@groupcache/groupcache";
import { withIdsFrom } from "./chance_stubs.ts";
import { Gate } from "./gate.ts";
import type { Instant, Observed } from "./history.ts";
import type { Endpoint } from "./network.ts";
import { Origin, type TextGroup } from "./origin.ts";
import type { Place } from "./plan.ts";
import { ProcessClock } from "./process_clock.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

const SECRET = "the secret of a simulation";

/** A group in a process, and where its values come from. */
export interface NodeGroup {
  readonly group: TextGroup;
  readonly origin: Origin;
}

/** One process: its cache, with a clock and a network of its own, from start to end. */
export class Node implements Endpoint, Observed {
  readonly place: number;
  readonly url: string;
  readonly name: string;
  readonly gate: Gate;
  readonly clock: ProcessClock;
  readonly started: Instant;
  readonly cache: GroupCache;
  readonly #world: World;
  #groups: (NodeGroup | undefined)[] = [];
  #isLeaving = false;
  #isClosed = false;

  /** @param run How many processes the place has had before. */
  constructor(world: World, place: number, run: number) {
    const { scheduler, plan, network, history, subject } = world;
    this.#world = world;
    this.place = place;
    this.url = urlOf(place);
    this.name = run === 0 ? `p${place}` : `p${place}.${run}`;
    this.started = history.instant();
    this.gate = new Gate(scheduler);
    const { clock, groupsAfterMs } = plan.places[place] as Place;
    this.clock = new ProcessClock(scheduler, this.gate, clock);
    const random = new Random(`${plan.seed} ${this.name}`);
    const { placement, hasAuth, maxChanges, ...options } = plan.cache;
    this.cache = withIdsFrom(random, () =>
      new subject.GroupCache({
        ...options,
        // Its name in earlier versions, for `--at`.
        ...{ handoverMs: options.handoffMs },
        placement: subject.placements[placement](),
        limits: { maxChanges },
        ...hasAuth && { auth: { secrets: [SECRET] } },
        log: false,
        self: this.url,
        peers: [this.url],
        fetch: network.fetchOf(this),
        clock: this.clock,
        random: random.next,
      }));
    for (const type of ["peer-down", "peer-up"] as const) {
      this.cache.addEventListener(type, ({ peer }) => world.note(this.name, `${type} ${peer}`));
    }
    network.attach(this);
    world.note(this.name, "starts");
    if (groupsAfterMs === 0) this.#makeGroups();
    else {
      const end = world.calm.disturb("groups");
      scheduler.after(groupsAfterMs, () =>
        this.gate.enter(() => {
          if (!this.#isClosed) this.#makeGroups();
          end();
        }));
    }
  }

  /** Whether it is there for its callers and was not told to end. */
  get isUp(): boolean {
    return !this.gate.isDead && !this.#isLeaving && !this.#isClosed;
  }

  get peers(): readonly string[] {
    return this.cache.peers;
  }

  /** Whether it has died or closed. */
  get isGone(): boolean {
    return this.gate.isDead || this.#isClosed;
  }

  /** Whether it has closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A group, unless the process has none yet. */
  group(index: number): NodeGroup | undefined {
    return this.#groups[index];
  }

  serve(request: Request): Response | Promise<Response> {
    return this.cache.fetch(request);
  }

  /** Gives it a list, with itself in it. */
  setPeers(urls: Iterable<string>): void {
    if (this.isGone) return;
    const list = [...new Set([...urls, this.url])].sort();
    this.cache.setPeers(list);
    this.#world.note(this.name, `has the list ${list.map(shortOf).join(" ")}`);
  }

  /** Closes it; then its server ends too. */
  async leave(drainMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#world.note(this.name, `leaves within ${drainMs} ms`);
    if (drainMs > 0) this.#tellLegacy(drainMs);
    await this.cache.close({ drainMs });
    this.#isClosed = true;
    this.#world.rules.handover.closed(this.name);
    this.#world.note(this.name, "has closed");
  }

  /** Ends its server and all that is under way. */
  end(): void {
    this.#world.network.kill(this);
  }

  /** Has it die. */
  kill(): void {
    this.#world.note(this.name, "dies");
    this.gate.kill();
    this.#world.history.died(this.name);
    this.end();
  }

  #makeGroups(): void {
    const { plan } = this.#world;
    this.#groups = plan.groups.map(({ name }, index) => {
      const origin = new Origin(this.#world, this, index);
      return { origin, group: this.cache.group(name, origin.options()) };
    });
    this.#world.note(this.name, "has its groups");
  }

  /** Tells the rules what it has to hand over: what it holds and does not merely mirror. */
  #tellLegacy(drainMs: number): void {
    const { plan, rules } = this.#world;
    const values = this.#groups.flatMap((made, index) => {
      if (made === undefined || plan.groups[index]?.mirrorMinuteQps !== Infinity) return [];
      return plan.keys.flatMap((key) => {
        const value = made.group.peek(key);
        return value === undefined ? [] : made.origin.decode(key, value) ?? [];
      });
    });
    rules.handover.leaves(this.name, values, drainMs);
  }
}

/** The URL of a place. */
export function urlOf(place: number): string {
  return `http://peer-${place}:8080`;
}

function shortOf(url: string): string {
  return url.slice("http://peer-".length, -":8080".length);
}
