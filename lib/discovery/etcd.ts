import type { Fetch } from "../runtime.ts";
import type { Discovery } from "./discovery.ts";
import { checkHttpUrl, jsonLines, readJson, request, withoutSlash } from "./http.ts";
import { normalise } from "./peer_list.ts";
import { source, type WatchContext, type Watcher } from "./source.ts";
import { checkMs, checkText, type SourceOptions } from "./source_options.ts";

/**
 * Options for {@linkcode etcd}.
 *
 * @example
 * ```ts
 * import { etcd, type EtcdOptions } from "@groupcache/groupcache/discovery";
 *
 * const options: EtcdOptions = {
 *   urls: ["http://etcd-0:2379", "http://etcd-1:2379"],
 *   self: "http://10.0.0.1:8080",
 *   leaseTtlMs: 30_000,
 * };
 * const _peers = etcd(options);
 * ```
 */
export interface EtcdOptions extends SourceOptions {
  /**
   * The base URLs of the members of the etcd cluster. If one fails, the next one is used.
   *
   * @default ["http://127.0.0.1:2379"]
   */
  urls?: readonly string[];
  /**
   * The prefix of the keys of all peers. Their values are the peers' base URLs; an invalid value is
   * left out and reported.
   *
   * @default "/groupcache/peers/"
   */
  prefix?: string;
  /**
   * The base URL of this process, registered for as long as the source is iterated.
   *
   * @default none: watches without registering
   */
  self?: string;
  /**
   * How long this process stays registered after a crash, in milliseconds, rounded up to seconds.
   *
   * @default 15000
   */
  leaseTtlMs?: number;
  /**
   * The etcd user, who needs read access to the prefix, and write access if `self` is given.
   *
   * @default none
   */
  user?: {
    /** The name. */
    name: string;
    /** The password. */
    password: string;
  };
  /**
   * The function that sends the requests.
   *
   * @default globalThis.fetch
   */
  fetch?: Fetch;
}

/** How long one watch lasts if there is no lease to keep alive, in milliseconds. */
const WATCH_MS = 60_000;

/**
 * Finds peers in etcd 3.4 or later, through its JSON gateway: registers this process under a lease,
 * keeps the lease alive, and watches the prefix. When the source ends it revokes the lease, and the
 * other processes are notified at once; if the process crashes they are notified after `leaseTtlMs`.
 *
 * @throws {TypeError} If an option has the wrong type.
 * @throws {RangeError} If a number is out of range.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { etcd } from "@groupcache/groupcache/discovery";
 *
 * const self = "http://10.0.0.1:8080";
 * const peers = etcd({ urls: ["http://etcd-0:2379", "http://etcd-1:2379"], self });
 * await using _cache = new GroupCache({ self, peers });
 * ```
 */
export function etcd(options: EtcdOptions = {}): Discovery {
  const {
    urls = ["http://127.0.0.1:2379"],
    prefix = "/groupcache/peers/",
    self,
    leaseTtlMs = 15_000,
    user,
    fetch = (input, init) => globalThis.fetch(input, init),
  } = options;
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new TypeError("Cannot create etcd: urls must be an array with at least one URL");
  }
  for (const url of urls) checkHttpUrl("etcd", "urls", url);
  checkText("etcd", "prefix", prefix);
  checkMs("etcd", "leaseTtlMs", leaseTtlMs, { min: 1000 });
  if (user !== undefined) {
    checkText("etcd", "user.name", user.name);
    checkText("etcd", "user.password", user.password);
  }
  const checked = {
    urls: urls.map(withoutSlash),
    prefix,
    self: self === undefined ? undefined : normalise([self])[0],
    leaseTtlMs,
    user,
    fetch,
  };
  return source("etcd", () => new EtcdWatcher(checked), options);
}

/** The gateway encodes 64-bit integers as strings and omits what is zero or empty. */
interface RangeResponse {
  header: { revision: string };
  kvs?: { key: string; value?: string }[];
}

interface WatchMessage {
  error?: { message?: string };
  result?: {
    canceled?: boolean;
    cancel_reason?: string;
    compact_revision?: string;
    events?: { type?: "DELETE"; kv: { key: string; value?: string; mod_revision: string } }[];
  };
}

type CheckedEtcdOptions =
  & Required<Pick<EtcdOptions, "prefix" | "leaseTtlMs" | "fetch">>
  & { urls: string[]; self: string | undefined; user: EtcdOptions["user"] };

/**
 * A run keeps the lease alive, lists the prefix if necessary, and watches for a third of the lease's
 * time. The next run continues at the revision where it ended.
 */
class EtcdWatcher implements Watcher {
  #options: CheckedEtcdOptions;
  #turn = 0;
  #token: string | undefined;
  #lease: string | undefined;
  #isRegistered = false;
  /** Values by key, both in base64; undefined if they must be listed. */
  #peers: Map<string, string> | undefined;
  #revision = 0n;

  constructor(options: CheckedEtcdOptions) {
    this.#options = options;
  }

  async run(context: WatchContext): Promise<void> {
    try {
      const { user, self, leaseTtlMs } = this.#options;
      if (user !== undefined) await this.#authenticate(context, user);
      if (self !== undefined) await this.#register(context, self);
      if (this.#peers === undefined) {
        this.#peers = await this.#list(context);
        this.#tell(context, this.#peers);
      }
      await this.#watch(context, self === undefined ? WATCH_MS : leaseTtlMs / 3);
    } catch (error) {
      // The member may be down, or etcd may have been restored from an older state.
      this.#turn++;
      this.#token = undefined;
      this.#peers = undefined;
      throw error;
    }
  }

  async end(signal: AbortSignal): Promise<void> {
    if (this.#lease === undefined) return;
    await (await this.#call("lease/revoke", { ID: this.#lease }, signal)).body?.cancel();
  }

  async #authenticate(
    context: WatchContext,
    user: { name: string; password: string },
  ): Promise<void> {
    if (this.#token !== undefined) return;
    const { token } = await this.#ask<{ token: string }>(context, "auth/authenticate", user);
    this.#token = token;
  }

  async #register(context: WatchContext, self: string): Promise<void> {
    if (this.#lease !== undefined) {
      const ID = this.#lease;
      const alive = await this.#ask<{ result?: { TTL?: string } }>(
        context,
        "lease/keepalive",
        { ID },
      );
      if (alive.result?.TTL === undefined) {
        this.#lease = undefined;
        this.#isRegistered = false;
      }
    }
    if (this.#lease === undefined) {
      const TTL = String(Math.ceil(this.#options.leaseTtlMs / 1000));
      this.#lease = (await this.#ask<{ ID: string }>(context, "lease/grant", { TTL })).ID;
    }
    if (this.#isRegistered) return;
    const [key, value] = [this.#keyOf(self), toBase64(self)];
    await this.#ask(context, "kv/put", { key, value, lease: this.#lease });
    this.#isRegistered = true;
  }

  async #list(context: WatchContext): Promise<Map<string, string>> {
    const { header, kvs = [] } = await this.#ask<RangeResponse>(context, "kv/range", this.#range());
    this.#revision = BigInt(header.revision);
    return new Map(kvs.map(({ key, value = "" }) => [key, value]));
  }

  #watch(context: WatchContext, ms: number): Promise<void> {
    return context.listen(async (signal) => {
      const create_request = { ...this.#range(), start_revision: String(this.#revision + 1n) };
      const response = await context.within(() => this.#call("watch", { create_request }, signal));
      for await (const message of jsonLines(response) as AsyncIterable<WatchMessage>) {
        const { canceled, cancel_reason, compact_revision, events = [] } = message.result ?? {};
        if (message.error) throw new Error(`the watch failed: ${message.error.message}`);
        if (compact_revision !== undefined) {
          // The changes since then have been compacted. The next run lists.
          this.#peers = undefined;
          return;
        }
        if (canceled) throw new Error(`the watch was cancelled: ${cancel_reason ?? "no reason"}`);
        const peers = this.#peers;
        // A failed run has ended this watch.
        if (peers === undefined) return;
        for (const { type, kv } of events) {
          if (type === "DELETE") peers.delete(kv.key);
          else peers.set(kv.key, kv.value ?? "");
          this.#revision = BigInt(kv.mod_revision);
        }
        if (events.length > 0) this.#tell(context, peers);
        // Our key was deleted or overwritten while the lease lives on: the next run registers again.
        if (this.#isRegistered === false && this.#options.self !== undefined) return;
      }
    }, ms);
  }

  #tell(context: WatchContext, peers: Map<string, string>): void {
    const { self } = this.#options;
    if (self !== undefined && peers.get(this.#keyOf(self)) !== toBase64(self)) {
      this.#isRegistered = false;
    }
    context.update([...peers.values()].map(fromBase64));
  }

  #keyOf(self: string): string {
    return toBase64(this.#options.prefix + self);
  }

  /** The range from the prefix to the first key that does not begin with it. */
  #range(): { key: string; range_end: string } {
    const end = new TextEncoder().encode(this.#options.prefix);
    // No byte of UTF-8 is 255, so the last one can always be incremented.
    const last = end.length - 1;
    end[last] = (end[last] ?? 0) + 1;
    return { key: toBase64(this.#options.prefix), range_end: bytesToBase64(end) };
  }

  #ask<Answer>(context: WatchContext, method: string, body: unknown): Promise<Answer> {
    return context.within(async (signal) =>
      await readJson(await this.#call(method, body, signal)) as Answer
    );
  }

  #call(method: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const { urls, fetch } = this.#options;
    const headers = new Headers({ "content-type": "application/json" });
    if (this.#token !== undefined) headers.set("authorization", this.#token);
    const url = `${urls[this.#turn % urls.length]}/v3/${method}`;
    return request(fetch, url, { method: "POST", headers, body: JSON.stringify(body), signal });
  }
}

function toBase64(text: string): string {
  return bytesToBase64(new TextEncoder().encode(text));
}

function bytesToBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Returns undefined if `text` is not base64. */
function fromBase64(text: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
