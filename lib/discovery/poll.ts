import { quote } from "../errors.ts";
import type { Discovery } from "./discovery.ts";
import { source, type Watcher } from "./source.ts";
import { checkMs, type SourceOptions } from "./source_options.ts";

/** How {@linkcode poll} asks. */
export interface PollOptions extends SourceOptions {
  /**
   * How long to wait between an answer and the next question, in milliseconds; at random up to a
   * tenth less.
   *
   * @default 10000
   */
  intervalMs?: number;
}

/** Brings a list of peers, whole. The signal aborts when nobody waits for the list any more. */
export type FindPeers = (
  context: { signal: AbortSignal },
) => readonly string[] | Promise<readonly string[]>;

/**
 * Peers from anywhere: calls a function again and again. An empty list is taken for a failure, like
 * a function that throws or takes longer than `timeoutMs`.
 *
 * @param find Brings the list, base URLs as `http://10.0.0.1:8080`, in any order.
 * @throws {TypeError} If `find` is no function.
 * @throws {RangeError} If a number is out of range.
 *
 * @example
 * ```ts
 * import { poll } from "@groupcache/groupcache/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const rows = [{ host: "10.0.0.2" }, { host: "10.0.0.1" }]; // Of a table, say.
 * const peers = poll(() => rows.map(({ host }) => `http://${host}:8080`), { intervalMs: 5000 });
 *
 * for await (const list of peers) {
 *   assertEquals(list, ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *   break; // A cache goes on: new GroupCache({ self, peers }).
 * }
 * ```
 */
export function poll(find: FindPeers, options: PollOptions = {}): Discovery {
  if (typeof find !== "function") {
    throw new TypeError(`Cannot create poll: expected a function: received ${quote(find)}`);
  }
  return pollAs("poll", find, options);
}

/** {@linkcode poll} under another name, for the sources that are made of it. */
export function pollAs(name: string, find: FindPeers, options: PollOptions): Discovery {
  const { intervalMs = 10_000 } = options;
  checkMs(name, "intervalMs", intervalMs);
  const watcher = (): Watcher => ({
    async run(context): Promise<void> {
      context.offer(await context.within(async (signal) => await find({ signal })));
      await context.sleep(intervalMs);
    },
  });
  return source(name, watcher, options);
}
