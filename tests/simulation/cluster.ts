import { Callers } from "./callers.ts";
import type { Loss } from "./links.ts";
import { Node, urlOf } from "./node.ts";
import { type Action, type Fault, isOperation } from "./plan.ts";
import { draw, Random } from "./random.ts";
import type { World } from "./world.ts";

/** After so long all have found out who is there, in milliseconds. */
const SETTLED_MS = 1000;

type PlacedFault = Fault & { readonly place: number };

/** The processes of a run: does to them what the plan says. */
export class Cluster {
  readonly callers: Callers;
  #world: World;
  /** The process at each place, the last one that was there. */
  #nodes = new Map<number, Node>();
  #runs = new Map<number, number>();
  /** What ends the faults under way. */
  #mending = new Set<() => void>();
  #lists = 0;

  constructor(world: World) {
    this.#world = world;
    this.callers = new Callers(world);
    const { plan, listed } = world;
    for (let place = 0; place < plan.startCount; place++) {
      this.#start(place);
      listed.add(urlOf(place));
    }
    for (const node of world.nodes) node.setPeers(listed);
    this.#lookAtLists();
  }

  /** Those that are there and were not told to end. */
  get up(): Node[] {
    return [...this.#nodes.values()].filter(({ isUp }) => isUp);
  }

  /** Does what the plan says. */
  do(action: Action): void {
    const node = this.#nodes.get(action.place);
    if (isOperation(action)) {
      if (node !== undefined) node.gate.enter(() => this.callers.call(node, action));
    } else if (action.kind === "join") this.#join(action.place);
    else if (node?.isUp) this.#afflict(node, action);
  }

  /** Ends all faults, and gives all processes one list. */
  heal(): void {
    if (this.#world.calm.forMs < SETTLED_MS) this.#world.rules.handover.turnOff();
    this.#world.heal();
    for (const mend of [...this.#mending]) mend();
    const { listed } = this.#world;
    listed.clear();
    for (const { url } of this.up) listed.add(url);
    this.#publish();
  }

  #start(place: number): Node {
    const run = this.#runs.get(place) ?? 0;
    this.#runs.set(place, run + 1);
    const node = new Node(this.#world, place, run);
    this.#nodes.set(place, node);
    this.#world.nodes.push(node);
    return node;
  }

  #join(place: number): void {
    const before = this.#nodes.get(place);
    if (before !== undefined && !before.isGone) return;
    const node = this.#start(place);
    this.#world.rules.handover.turnOff();
    this.#world.listed.add(node.url);
    node.setPeers(this.#world.listed);
    this.#publish();
  }

  #afflict(node: Node, fault: PlacedFault): void {
    switch (fault.kind) {
      case "leave":
        return void this.#leave(node, fault);
      case "crash":
        return this.#crash(node, fault);
      case "freeze":
        return this.#freeze(node, fault.forMs);
      case "flap":
        return this.#flap(node, fault.forMs);
      case "cut off":
        return this.#cutOff(node, fault);
      case "lossy":
        return this.#lose(node, fault, fault.forMs);
      case "channels":
        return this.#hitChannels(node, fault);
      case "clock":
        node.clock.jump(fault.byMs);
        // For good: those who were set apart stay so.
        this.#world.calm.disturb("fault")();
        return this.#world.note(node.name, `has its clock set by ${fault.byMs} ms`);
    }
  }

  async #leave(
    node: Node,
    { drainMs, delisted, loses, restartMs }: PlacedFault & { kind: "leave" },
  ): Promise<void> {
    const { scheduler, listed, plan, calm, rules } = this.#world;
    // Two would hand over to each other.
    if (calm.forMs < SETTLED_MS) rules.handover.turnOff();
    const end = calm.disturb(drainMs === 0 ? "fault" : "departure");
    if (loses > 0) this.#lose(node, { share: loses, isOfChanges: false }, drainMs);
    const delist = () => {
      if (listed.delete(node.url)) this.#publish();
    };
    if (delisted === "before") {
      delist();
      const waited = Promise.withResolvers<void>();
      scheduler.after(2 * plan.network.listSpreadMs + 50, () => node.gate.enter(waited.resolve));
      await waited.promise;
      if (!node.isUp) return end();
    }
    const closed = node.leave(drainMs);
    if (delisted === "at once") delist();
    await closed;
    // The server ends what is under way, and then itself.
    scheduler.after(20, () => {
      node.gate.enter(() => {
        node.end();
        delist();
        end();
        if (restartMs < Infinity) this.#later(restartMs, () => this.#join(node.place));
      });
    });
  }

  #crash(node: Node, { forMs, isRestarted }: PlacedFault & { kind: "crash" }): void {
    const { listed } = this.#world;
    const end = this.#world.trouble([node.url]);
    node.kill();
    this.#later(forMs, () => {
      end();
      if (this.#nodes.get(node.place) !== node) return;
      if (isRestarted) return this.#join(node.place);
      listed.delete(node.url);
      this.#publish();
    });
  }

  #freeze(node: Node, forMs: number): void {
    if (!node.gate.isRunning) return;
    const { plan, scheduler } = this.#world;
    const end = this.#world.trouble([node.url]);
    this.#world.note(node.name, `is frozen for ${forMs.toFixed(0)} ms`);
    node.gate.freeze();
    this.#later(forMs, () => {
      this.#world.note(node.name, "goes on");
      node.gate.thaw(new Random(`${plan.seed} ${node.name} ${scheduler.nowMs}`));
      end();
    });
  }

  #flap(node: Node, forMs: number): void {
    const { listed } = this.#world;
    if (!listed.delete(node.url)) return;
    this.#world.rules.handover.turnOff();
    this.#world.note(node.name, "is taken off the list");
    this.#publish();
    this.#later(forMs, () => {
      if (!node.isUp) return;
      this.#world.note(node.name, "is put on the list again");
      listed.add(node.url);
      this.#publish();
    });
  }

  #cutOff(node: Node, { from, ways, shows, forMs }: PlacedFault & { kind: "cut off" }): void {
    const { links } = this.#world.network;
    const others = from.map(urlOf).filter((url) => url !== node.url);
    const end = this.#world.trouble([node.url, ...others]);
    this.#world.note(node.name, `is cut off (${ways}, ${shows}) from ${from.join(" ")}`);
    const mend = others.flatMap((other) => [
      ...ways === "in" ? [] : [links.cut(node.url, other, shows)],
      ...ways === "out" ? [] : [links.cut(other, node.url, shows)],
    ]);
    this.#later(forMs, () => {
      this.#world.note(node.name, `is cut off no more from ${from.join(" ")}`);
      for (const each of mend) each();
      end();
    });
  }

  #hitChannels(node: Node, { how, forMs }: PlacedFault & { kind: "channels" }): void {
    const { network, plan } = this.#world;
    this.#world.note(node.name, `has its channels hit: ${how}`);
    if (how === "reset" || how === "end") {
      // A call that it hits goes on by another way, or to another process.
      this.#world.calm.disturb("fault")();
      return network.breakChannels(node, how);
    }
    const outage = how === "refused" ? how : "silent";
    const isOfChannels = true;
    const others = plan.places.map((_, place) => urlOf(place)).filter((url) => url !== node.url);
    // What a channel holds up comes late.
    const end = this.#world.trouble([node.url, ...others]);
    const mend = others.flatMap((other) => [
      ...how === "held up in" ? [] : [network.links.cut(node.url, other, outage, { isOfChannels })],
      ...how === "held up out"
        ? []
        : [network.links.cut(other, node.url, outage, { isOfChannels })],
    ]);
    this.#later(forMs, () => {
      for (const each of mend) each();
      end();
    });
  }

  #lose(node: Node, loss: Loss, forMs: number): void {
    const { links } = this.#world.network;
    const others = this.#world.plan.places.keys().map(urlOf).filter((url) => url !== node.url);
    const end = this.#world.calm.disturb("fault");
    const what = loss.isOfChanges ? "changes" : "messages";
    this.#world.note(node.name, `loses ${(100 * loss.share).toFixed(0)} % of its ${what}`);
    const mend = [...others].flatMap((other) => [
      links.lose(node.url, other, loss),
      links.lose(other, node.url, loss),
    ]);
    this.#later(forMs, () => {
      for (const each of mend) each();
      end();
    });
  }

  /** Ends something after a while, or when all faults end. */
  #later(forMs: number, end: () => void): void {
    const once = () => {
      if (this.#mending.delete(once)) end();
    };
    this.#mending.add(once);
    this.#world.scheduler.after(forMs, once);
  }

  /** Lets all processes hear of the list, each when it does. */
  #publish(): void {
    const { scheduler, plan, listed } = this.#world;
    const number = this.#lists++;
    for (const node of this.#world.nodes) {
      if (node.isGone) continue;
      const ms = draw(`${plan.seed} list ${number} ${node.name}`) * plan.network.listSpreadMs;
      scheduler.after(ms, () =>
        node.gate.enter(() => {
          // Whatever it heard before: what it hears now is how it is now.
          node.setPeers(listed);
          this.#lookAtLists();
        }));
    }
    this.#lookAtLists();
  }

  #lookAtLists(): void {
    const { listed, calm } = this.#world;
    const wanted = [...listed].sort().join();
    const there = [...this.#nodes.values()].filter(({ isGone }) => !isGone);
    const agree = there.every(({ cache }) => [...cache.peers].sort().join() === wanted) &&
      there.length === listed.size;
    calm.setListsAgree(agree);
  }
}
