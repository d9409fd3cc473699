import { Buffer } from "node:buffer";
import { bytes, type Group, GroupCache, type Placement } from "@groupcache/groupcache";
import type { Child } from "../processes/child.ts";
import { serve, type Server } from "../runtime.ts";
import { spawnGo } from "./go.ts";

/** A process of a mixed cluster, of whatever kind. */
export interface Member {
  readonly name: string;
  readonly url: string;
  /** Becomes a peer of those with the given base URLs, itself among them. */
  join(peers: readonly string[]): Promise<void>;
  /** Takes a peer, or itself, for the owner of all keys. */
  follow(owner: string): Promise<void>;
  get(key: string): Promise<Uint8Array>;
  set(key: string, value: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
  /** Lets loads of `held:…` end. */
  release(): Promise<void>;
  /** The keys that its loader was called with, in order. */
  loads(): Promise<string[]>;
  /** How many requests of a method came from peers. */
  requests(method: string): Promise<number>;
}

/** What a Go process says went wrong. */
export class GoError extends Error {
  /** @param kind `not-found` or `remote`, by the library's own tests; empty for any other. */
  constructor(readonly kind: string, message: string) {
    super(message);
  }
}

/** A process that runs one of the Go modules: `peers/node/node.go` says what it can be told. */
export class GoMember implements Member {
  private constructor(readonly name: string, readonly url: string, readonly child: Child) {}

  /** Starts one, without peers. */
  static async start(
    library: string,
    name: string,
    env: Readonly<Record<string, string>>,
  ): Promise<GoMember> {
    const child = spawnGo(library, [name], env);
    try {
      const [, url = ""] = await child.line(/^serving (\S+)$/);
      return new GoMember(name, url, child);
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  async join(peers: readonly string[]): Promise<void> {
    await this.#tell("join", { peers });
  }

  async follow(owner: string): Promise<void> {
    await this.#tell("follow", { owner });
  }

  async get(key: string, group = "values"): Promise<Uint8Array> {
    const { bytes } = await this.#tell<{ bytes: string | null }>("get", { group, key });
    return fromBase64(bytes);
  }

  /** The end of a value as the library tells it, in Unix milliseconds; 0 if it has none. */
  async expiryOf(key: string): Promise<number> {
    const order = { group: "values", key };
    const { expireNano } = await this.#tell<{ expireNano: string }>("get", order);
    return Number(BigInt(expireNano) / 1000n) / 1000;
  }

  async set(key: string, value: Uint8Array, ttlMs = 0): Promise<void> {
    await this.#tell("set", { group: "values", key, bytes: toBase64(value), ttlMs });
  }

  async remove(key: string): Promise<void> {
    await this.#tell("remove", { group: "values", key });
  }

  async release(): Promise<void> {
    await this.#tell("release");
  }

  async loads(): Promise<string[]> {
    return (await this.#tell<{ loads: string[] }>("state")).loads;
  }

  async requests(method: string): Promise<number> {
    const { requests } = await this.#tell<{ requests: Record<string, number> }>("state");
    return requests[method] ?? 0;
  }

  async #tell<Answer>(command: string, order: object = {}): Promise<Answer> {
    const body = JSON.stringify({ command, ...order });
    const response = await fetch(`${this.url}/control`, { method: "POST", body });
    const answer = await response.json();
    if (!response.ok) throw new GoError(answer.kind, answer.message);
    return answer;
  }
}

/** This process, as a member. Its loader is that of `peers/node/node.go`. */
export class OurMember implements Member, AsyncDisposable {
  readonly name = "ours";
  readonly cache: GroupCache;
  readonly group: Group<Uint8Array>;
  /** Of what the Go processes have no group. */
  readonly oursOnly: Group<Uint8Array>;
  /** What its clock is ahead of the real time, in milliseconds. */
  aheadMs = 0;
  #server: Server;
  #owner: string | undefined;
  #loads: string[] = [];
  #requests = new Map<string, number>();
  #released = Promise.withResolvers<void>();

  /** @param random Where chance comes from: below 0.1 all that Go processes bring is mirrored. */
  constructor(ring: Placement, random: () => number) {
    this.#server = serve((request, info) => {
      this.#requests.set(request.method, (this.#requests.get(request.method) ?? 0) + 1);
      return this.cache.fetch(request, info);
    });
    this.cache = new GroupCache({
      self: this.url,
      random,
      clock: {
        now: () => Date.now() + this.aheadMs,
        setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
        clearTimeout: (timer) => clearTimeout(timer as number),
      },
      placement: {
        ...ring,
        rank: (peers) => {
          const owner = this.#owner;
          const ranking = ring.rank(peers);
          return owner === undefined ? ranking : (key) => new Set([owner, ...ranking(key)]);
        },
      },
    });
    const options = {
      maxBytes: 64 << 20,
      codec: bytes,
      load: (key: string) => this.#load(key),
      ttlMs: (_: Uint8Array, key: string) => /^ttl:/.test(key) ? numberIn(key) : Infinity,
      mirrorTtlMs: 3_600_000,
    };
    this.group = this.cache.group("values", options);
    this.oursOnly = this.cache.group("ours-only", options);
  }

  get url(): string {
    return this.#server.url;
  }

  join(peers: readonly string[]): Promise<void> {
    this.#owner = undefined;
    this.cache.setPeers(peers);
    return Promise.resolve();
  }

  follow(owner: string): Promise<void> {
    this.#owner = owner;
    this.cache.setPeers(this.cache.peers);
    return Promise.resolve();
  }

  get(key: string): Promise<Uint8Array> {
    return this.group.get(key);
  }

  set(key: string, value: Uint8Array): Promise<void> {
    return this.group.set(key, value);
  }

  remove(key: string): Promise<void> {
    return this.group.remove(key);
  }

  release(): Promise<void> {
    return Promise.resolve(this.#released.resolve());
  }

  loads(): Promise<string[]> {
    return Promise.resolve(this.#loads);
  }

  requests(method: string): Promise<number> {
    return Promise.resolve(this.#requests.get(method) ?? 0);
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cache.close();
    await this.stop();
  }

  async #load(key: string): Promise<Uint8Array | undefined> {
    this.#loads.push(key);
    switch (key.split(":", 1)[0]) {
      case "missing":
        return undefined;
      case "broken":
        throw new Error("our loader is broken");
      case "held":
        await this.#released.promise;
        break;
      case "size":
        return sized(numberIn(key));
    }
    return utf8(`${this.name}:${key}`);
  }
}

/** Two processes of a Go module, and this one. They are gone when it is disposed of. */
export class Cluster extends AsyncDisposableStack {
  readonly ours: OurMember;
  readonly ring: Placement;
  #go: GoMember[] = [];

  private constructor(ring: Placement, random: () => number) {
    super();
    this.ring = ring;
    this.ours = this.use(new OurMember(ring, random));
  }

  /** Starts one in which each key's owner is the one that the ring says. */
  static async start(
    { library, ring, random = () => 0.5, env = {} }: {
      library: string;
      ring: Placement;
      /** Where our chance comes from. */
      random?: () => number;
      /** Added to the environment of the Go processes. */
      env?: Readonly<Record<string, string>>;
    },
  ): Promise<Cluster> {
    const cluster = new Cluster(ring, random);
    try {
      for (const name of ["go1", "go2"]) {
        const member = await GoMember.start(library, name, env);
        cluster.use(member.child);
        cluster.#go.push(member);
      }
      for (const member of cluster.members) await member.join(cluster.urls);
      return cluster;
    } catch (error) {
      await cluster.disposeAsync();
      throw error;
    }
  }

  get go(): [GoMember, GoMember] {
    return this.#go as [GoMember, GoMember];
  }

  get members(): Member[] {
    return [...this.#go, this.ours];
  }

  get urls(): string[] {
    return this.members.map(({ url }) => url);
  }

  /** The name of the member whose key it is by the ring. */
  ownerOf(key: string): string | undefined {
    const [owner] = this.ring.rank(this.urls)(key);
    return this.members.find(({ url }) => url === owner)?.name;
  }

  /** Gives all keys to one member. */
  async giveAllTo(owner: Member): Promise<void> {
    for (const member of this.members) await member.follow(owner.url);
  }

  /** All keys that were loaded anywhere, sorted. */
  async loads(): Promise<string[]> {
    return (await Promise.all(this.members.map((member) => member.loads()))).flat().sort();
  }
}

/** So many bytes of all values. */
export function sized(size: number): Uint8Array {
  return new Uint8Array(size).map((_, index) => index * 167);
}

/** A text as bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes as a text. */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function numberIn(key: string): number {
  return Number(key.split(":", 2)[1]);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function fromBase64(text: string | null): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? "", "base64"));
}
