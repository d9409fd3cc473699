import type { Clock } from "../timing/clock.ts";
import { quote } from "../errors.ts";
import type { Placement } from "../placement/placement.ts";
import type { Peer } from "./peer.ts";
import { PreviousOwners, type Rank } from "./previous_owners.ts";

/** How many peers that were delisted are remembered. */
const MAX_DELISTED = 100;

/** The processes that share the keys, this one included. */
export class PeerSet {
  #self: string | undefined;
  #placement: Placement;
  #connect: (url: string) => Peer;
  #others = new Map<string, Peer>();
  #urls: readonly string[] = [];
  #rank: Rank | undefined;
  /** The peers that were listed last, the earliest first. */
  #delisted = new Map<string, Peer>();
  #previousOwners: PreviousOwners;
  #isLeaving = false;

  constructor(options: PeerSetOptions) {
    this.#self = options.self === undefined ? undefined : checkPeerUrl("self", options.self);
    this.#placement = options.placement;
    this.#connect = options.connect;
    this.#previousOwners = new PreviousOwners(options);
    if (this.#self !== undefined) this.#urls = [this.#self];
  }

  /** How peers reach this process; undefined for a process without peers. */
  get self(): string | undefined {
    return this.#self;
  }

  /** The base URLs of all processes, this one included. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /**
   * Replaces the list. Peers that stay keep their clients and their health.
   *
   * @throws {TypeError} If the list does not consist of distinct base URLs, or lacks `self`. The old
   * list then stays.
   */
  replace(list: readonly string[]): void {
    if (!Array.isArray(list)) {
      throw new TypeError(`Cannot set peers: expected an array of URLs: received ${typeof list}`);
    }
    const self = this.#self;
    if (self === undefined) {
      throw new TypeError("Cannot set peers: the cache was created without the option self");
    }
    const byOrigin = new Map<string, string>();
    for (const url of list.map((url) => checkPeerUrl("peers", url))) {
      const origin = new URL(url).origin;
      if (byOrigin.has(origin)) {
        throw new TypeError(`Cannot set peers: ${quote(url)} is listed twice`);
      }
      byOrigin.set(origin, url);
    }
    const selfOrigin = new URL(self).origin;
    if (!byOrigin.has(selfOrigin)) {
      throw new TypeError(
        `Cannot set peers: the list must contain self, ${quote(self)}: received ` +
          `[${list.map(quote).join(", ")}]`,
      );
    }
    const others = new Map<string, Peer>();
    for (const [origin, url] of byOrigin) {
      if (origin === selfOrigin) this.#self = url;
      else others.set(url, this.#others.get(url) ?? this.#connect(url));
    }
    const isChanged = others.size !== this.#others.size ||
      [...others.keys()].some((url) => !this.#others.has(url));
    if (isChanged) {
      // A process that was alone until now has just joined the others.
      if (this.#rank === undefined) this.#rememberAlone(others);
      else this.#previousOwners.remember(this.#rank, this.#others);
    }
    this.#rememberDelisted(others);
    this.#others = others;
    this.#urls = [...byOrigin.values()];
    this.#rank = others.size === 0 ? undefined : this.#placement.rank(this.#urls);
  }

  /**
   * Returns the peers to ask for `key`, best first; undefined if this process owns the key. Peers
   * that are down are left out: the next one owns their keys. The list ends before this process.
   */
  peersFor(key: string): Iterable<Peer> | undefined {
    if (this.#rank === undefined) return undefined;
    const urls = this.#rank(key)[Symbol.iterator]();
    const owner = urls.next();
    if (owner.done || owner.value === this.#self && !this.#isLeaving) return undefined;
    return new PeersInOrder(owner, urls, this.#stepTo);
  }

  #stepTo = (url: string): Peer | "skip" | "end" => {
    if (url === this.#self) return this.#isLeaving ? "skip" : "end";
    const peer = this.#others.get(url);
    // Without a peer, it has left the list since the ranking was made.
    return peer?.health.admits() ? peer : "skip";
  };

  /** Returns the base URLs of all processes in a key's order, its owner first; none without peers. */
  orderOf(key: string): string[] {
    return [...this.#rank?.(key) ?? []];
  }

  /** Records that this process and others could not reach each other until now. */
  reunited(): void {
    this.#rememberAlone(this.#others);
  }

  /** Whether this process is leaving, and takes no new work from peers. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Makes the peers own this process's keys from now on. */
  leave(): void {
    this.#isLeaving = true;
  }

  /**
   * Returns the peers that may have `key` in memory when this process is about to load it, best
   * first: one that comes before this process, but is leaving or was given up by the peer that asks,
   * and the key's previous owners. Undefined if there are none.
   *
   * @param options `wereAsked`: whether the peers that come before this process were asked already.
   */
  holders(key: string, { wereAsked }: { wereAsked: boolean }): Iterable<Peer> | undefined {
    const holders = new Set<Peer>();
    for (const url of this.#rank?.(key) ?? []) {
      if (url === this.#self || holders.size > 0) break;
      const peer = this.#others.get(url);
      if (peer?.health.isLeaving || !wereAsked && peer?.health.admits()) holders.add(peer);
    }
    for (const peer of this.#previousOwners.of(key)) {
      if (peer.health.isLeaving || peer.health.admits()) holders.add(peer);
    }
    return holders.size === 0 ? undefined : holders;
  }

  #rememberAlone(peers: ReadonlyMap<string, Peer>): void {
    if (peers.size === 0) return;
    this.#previousOwners.rememberAlone(this.#placement.rank([...peers.keys()]), peers);
  }

  /** Returns the peer with a URL, with or without a trailing slash, unless it is this process. */
  find(url: string): Peer | undefined {
    return this.#others.get(url) ?? this.#others.get(url.replace(/\/$/, ""));
  }

  /** As `find`, or a peer that was listed until recently: it may still hand its values off. */
  findRecent(url: string): Peer | undefined {
    return this.find(url) ?? this.#delisted.get(url.replace(/\/$/, ""));
  }

  #rememberDelisted(others: ReadonlyMap<string, Peer>): void {
    for (const [url, peer] of this.#others) {
      if (!others.has(url)) this.#delisted.set(url, peer);
    }
    for (const url of this.#delisted.keys()) {
      if (others.has(url) || this.#delisted.size > MAX_DELISTED) this.#delisted.delete(url);
    }
  }

  /** All processes but this one. */
  others(): Peer[] {
    return [...this.#others.values()];
  }
}

/** The peers to ask for a key. Not a generator: one for each miss costs too much. */
class PeersInOrder implements IterableIterator<Peer> {
  /** What comes next, if that is known: to rank one more takes time, and few ask for a second. */
  #next: IteratorResult<string> | undefined;
  #urls: Iterator<string>;
  #stepTo: (url: string) => Peer | "skip" | "end";

  constructor(
    first: IteratorResult<string>,
    urls: Iterator<string>,
    stepTo: (url: string) => Peer | "skip" | "end",
  ) {
    this.#next = first;
    this.#urls = urls;
    this.#stepTo = stepTo;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Peer> {
    for (let url = this.#next ?? this.#urls.next(); !url.done; url = this.#urls.next()) {
      const step = this.#stepTo(url.value);
      if (step === "end") break;
      if (step === "skip") continue;
      this.#next = undefined;
      return { done: false, value: step };
    }
    return this.#next = { done: true, value: undefined };
  }
}

/** Options for {@linkcode PeerSet}. */
export interface PeerSetOptions {
  /** How peers reach this process; undefined for a process without peers. */
  self: string | undefined;
  /** Decides which process owns a key. */
  placement: Placement;
  /** Creates the client of a peer. */
  connect: (url: string) => Peer;
  clock: Clock;
  /** How long after a change previous owners are of interest, in milliseconds; 0 for never. */
  handoffMs: number;
}

/** Returns a base URL without its trailing slash, otherwise unchanged: Go's rings hash it. */
function checkPeerUrl(option: string, url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError(`Cannot use ${option}: expected a URL: received ${quote(url)}`);
  }
  const isBase = parsed.pathname === "/" && parsed.search === "" && parsed.hash === "" &&
    parsed.username === "" && parsed.password === "";
  const isNoName = /^(undefined|null|nan)$/.test(parsed.hostname);
  if (
    !isBase || isNoName || !/^https?:$/.test(parsed.protocol) || typeof url !== "string" ||
    /\s/.test(url)
  ) {
    throw new TypeError(
      `Cannot use ${option}: expected a URL of scheme, host and port, as "http://10.0.0.1:8080": ` +
        `received ${quote(url)}`,
    );
  }
  return url.replace(/\/$/, "");
}
