import {
  type Group,
  GroupCache,
  type GroupCacheOptions,
  type GroupOptions,
  rendezvous,
  text,
} from "../../mod.ts";
import { MemoryNetwork } from "../../lib/testing/memory_network.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";

export const A = "http://a:1";
export const B = "http://b:1";
export const C = "http://c:1";

/** A request on its way from one process to another. */
export interface Message {
  from: string;
  to: string;
  method: string;
  path: string;
}

export interface Process {
  url: string;
  cache: GroupCache;
  group: Group<string>;
}

/** Processes over an origin whose values have versions, and a network that holds or loses messages. */
export class World implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: MemoryNetwork = new MemoryNetwork(this.clock);
  readonly loads: string[] = [];
  #versions = new Map<string, number>();
  #processes: Process[] = [];
  /** What becomes of messages; the first one that returns something decides. */
  #rules: ((message: Message) => Promise<void> | undefined)[] = [];

  start(
    url: string,
    peers: readonly string[],
    options: Partial<GroupCacheOptions> = {},
    groupOptions: Partial<GroupOptions<string>> = {},
  ): Process {
    const fetch: GroupCacheOptions["fetch"] = async (input, init) => {
      const { origin: to, pathname: path } = new URL(input);
      const message = { from: url, to, method: init?.method ?? "GET", path };
      for (const rule of this.#rules) await rule(message);
      return await this.network.fetch(input, init);
    };
    const cache = new GroupCache({ self: url, peers, clock: this.clock, fetch, ...options });
    this.network.listen(url, cache.fetch);
    const group = cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      mirrorMinuteQps: Infinity,
      load: (key) => {
        this.loads.push(key);
        return this.valueOf(key);
      },
      ...groupOptions,
    });
    const process = { url, cache, group };
    this.#processes.push(process);
    return process;
  }

  startAll(
    urls: readonly string[],
    options: Partial<GroupCacheOptions> = {},
    groupOptions: Partial<GroupOptions<string>> = {},
  ): Process[] {
    return urls.map((url) => this.start(url, urls, options, groupOptions));
  }

  /** Changes a key at the origin. */
  write(key: string): void {
    this.#versions.set(key, (this.#versions.get(key) ?? 0) + 1);
  }

  /** What a load that begins now brings. */
  valueOf(key: string): string {
    return `${key}, version ${this.#versions.get(key) ?? 0}`;
  }

  /** Holds messages back until the returned function is called. */
  hold(isMeant: (message: Message) => boolean): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#rules.push((message) => isMeant(message) ? promise : undefined);
    return resolve;
  }

  /** Loses the next messages that are meant. */
  lose(isMeant: (message: Message) => boolean, count = 1): void {
    this.#rules.push((message) => {
      if (count === 0 || !isMeant(message)) return undefined;
      count--;
      return Promise.reject(new TypeError("connection reset"));
    });
  }

  get(process: Process, key: string): Promise<string> {
    return this.clock.until(process.group.get(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(({ cache }) => cache.close()));
  }
}

/** The keys whose order of peers among `urls` begins with `first`. */
export function* keysOf(urls: readonly string[], ...first: string[]): Generator<string, never> {
  const rank = rendezvous().rank(urls);
  for (let i = 0;; i++) {
    const key = `key ${i}`;
    if ([...rank(key)].slice(0, first.length).join() === first.join()) yield key;
  }
}

/** The first of these keys. */
export function keyOf(urls: readonly string[], ...first: string[]): string {
  return keysOf(urls, ...first).next().value;
}

/** A key that belongs to one process under one list and to another under the next. */
export function movingKey(
  [urls, owner]: readonly [readonly string[], string],
  [nextUrls, nextOwner]: readonly [readonly string[], string],
): string {
  const [rank, nextRank] = [rendezvous().rank(urls), rendezvous().rank(nextUrls)];
  for (let i = 0;; i++) {
    const key = `key ${i}`;
    if ([...rank(key)][0] === owner && [...nextRank(key)][0] === nextOwner) return key;
  }
}
