import { borrowBytes, ByteView } from "../byte_view.ts";
import { toAbortSignal } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import type { Codec } from "../codec.ts";
import { detailsOf, GroupCacheError, messageOf, quote } from "../errors.ts";
import type { Group, Load, LoadMany } from "../group_api.ts";
import { LoadBatcher } from "./load_batcher.ts";
import { LoadSpans } from "./load_spans.ts";
import { LoadLimiter, LoadRefusedError } from "./load_limiter.ts";
import type { TraceParent, Tracer } from "../tracer.ts";
import type { Flight } from "./single_flight.ts";

/** A loaded value, encoded. */
export interface Loaded {
  readonly bytes: Uint8Array;
  /** When the value expires, in Unix milliseconds; `Infinity` for never. */
  readonly expiresAtMs: number;
}

/**
 * Runs a group's `load`, and turns anything that it may do into a value or a `GroupCacheError` with
 * code `not-found`, `load-failed`, `timeout` or `overloaded`.
 */
export class Loader<T, Input> {
  #options: LoaderOptions<T, Input>;
  #load: Load<T, Input>;
  #spans: LoadSpans | undefined;

  constructor(options: LoaderOptions<T, Input>) {
    this.#options = options;
    const limiter = new LoadLimiter({ ...options, group: () => options.group().name });
    const { load, loadMany, tracer, maxLoadKeys } = options;
    const spans = tracer && new LoadSpans(tracer, () => options.group().name);
    this.#spans = spans;
    const loadOne = limiter.limit(spans?.wrap(load) ?? load);
    this.#load = loadMany === undefined ? loadOne : new LoadBatcher<T, Input>({
      load: loadOne,
      loadMany: limiter.limit(spans?.wrap(loadMany) ?? loadMany),
      maxLoadKeys,
      onBatch: spans && ((context, contexts) => spans.gather(context, contexts)),
    }).load;
  }

  /** Whether keys whose loads begin together are loaded in one query. */
  get loadsTogether(): boolean {
    return this.#options.loadMany !== undefined;
  }

  /** How long any value may be served, in milliseconds. */
  get maxTtlMs(): number {
    const { ttlMs } = this.#options;
    return typeof ttlMs === "number" ? ttlMs : Infinity;
  }

  /**
   * Loads a key, for as long as the flight lasts and at most `loadTimeoutMs`.
   *
   * @param parent Where the span of the load belongs, if the load is traced.
   */
  async run(key: string, flight: Flight, parent?: TraceParent): Promise<Loaded> {
    const { clock, loadTimeoutMs, group } = this.#options;
    try {
      const value = await withDeadline(
        (end) => {
          const context = { signal: toAbortSignal(end), group: group() };
          if (parent !== undefined) this.#spans?.note(context, parent);
          return this.#load(key, context);
        },
        {
          clock,
          ms: loadTimeoutMs,
          signal: flight.signal,
          onLate: () => {
            const error = new GroupCacheError(
              "timeout",
              `${this.#cannotLoad(key)}: no result within ${loadTimeoutMs} ms`,
            );
            // The flight ends with this, not with what becomes of `run`.
            flight.fail(error);
            throw error;
          },
        },
      );
      if (value === undefined) {
        throw new GroupCacheError("not-found", `${this.#cannotLoad(key)}: there is no such value`);
      }
      return this.encode(key, value);
    } catch (error) {
      if (flight.signal.aborted) throw flight.signal.reason;
      if (error instanceof LoadRefusedError) throw error;
      // Errors of another group that the loader asks are failures of this loader, except "not-found".
      if (error instanceof GroupCacheError && error.code === "not-found") throw error;
      throw new GroupCacheError("load-failed", `${this.#cannotLoad(key)}: ${messageOf(error)}`, {
        cause: error,
        details: detailsOf(error),
      });
    }
  }

  /**
   * Encodes a value and computes its expiry.
   *
   * @throws What the codec or `ttlMs` throws.
   */
  encode(key: string, value: Input): Loaded {
    const { codec, ttlMs, clock } = this.#options;
    const encoded = codec.encode(value);
    if (!(encoded instanceof ByteView || encoded instanceof Uint8Array)) {
      throw new TypeError("the codec's encode must return a ByteView or Uint8Array");
    }
    const bytes = encoded instanceof ByteView ? borrowBytes(encoded) : withoutSubclass(encoded);
    const ttl = typeof ttlMs === "function" ? ttlMs(value, key) : ttlMs;
    if (typeof ttl !== "number" || !(ttl >= 0)) {
      throw new RangeError(`ttlMs must return a number of at least 0: received ${quote(ttl)}`);
    }
    return { bytes, expiresAtMs: clock.now() + ttl };
  }

  #cannotLoad(key: string): string {
    return `Cannot load ${quote(key)} of group ${quote(this.#options.group().name)}`;
  }
}

/** Options for {@linkcode Loader}. */
export interface LoaderOptions<T, Input> {
  load: Load<T, Input>;
  loadMany?: LoadMany<T, Input>;
  codec: Codec<T, Input>;
  ttlMs: number | ((value: Input, key: string) => number);
  loadTimeoutMs: number;
  maxLoads: number;
  maxQueuedLoads: number;
  maxLoadKeys: number;
  clock: Clock;
  /** Makes the spans of loads. */
  tracer: Tracer | undefined;
  /** The group that loads. */
  group: () => Group<T, Input>;
}

/** The same memory as a plain `Uint8Array`, because `Buffer.slice` does not copy. */
function withoutSubclass({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
