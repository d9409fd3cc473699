import { quote } from "../errors.ts";
import type { Discovery } from "./discovery.ts";
import { source, type Watcher } from "./source.ts";
import { checkMs, type SourceOptions } from "./source_options.ts";

/**
 * Options for {@linkcode poll}.
 *
 * @example
 * ```ts
 * import { poll, type PollOptions } from "@groupcache/groupcache/discovery";
 *
 * const options: PollOptions = { intervalMs: 2000, timeoutMs: 1000 };
 * const _peers = poll(() => ["http://10.0.0.1:8080"], options);
 * ```
 */
export interface PollOptions extends SourceOptions {
  /**
   * The pause between the end of one call and the start of the next, in milliseconds, shortened at
   * random by up to a tenth.
   *
   * @default 10000
   */
  intervalMs?: number;
}

/**
 * Returns the complete list of peers.
 *
 * @param context `signal`: aborts when the list is no longer needed.
 *
 * @example
 * ```ts
 * import { type FindPeers, poll } from "@groupcache/groupcache/discovery";
 *
 * const find: FindPeers = async ({ signal }) => {
 *   const response = await fetch("http://10.0.0.9/peers.json", { signal });
 *   return await response.json();
 * };
 * const _peers = poll(find);
 * ```
 */
export type FindPeers = (
  context: { signal: AbortSignal },
) => readonly string[] | Promise<readonly string[]>;

/**
 * Finds peers by calling a function periodically. An empty list counts as a failure, as does a function
 * that throws or takes longer than `timeoutMs`.
 *
 * @param find Returns the list, base URLs such as `http://10.0.0.1:8080`, in any order.
 * @throws {TypeError} If `find` is not a function.
 * @throws {RangeError} If a number is out of range.
 *
 * @example
 * ```ts
 * import { poll } from "@groupcache/groupcache/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const rows = [{ host: "10.0.0.2" }, { host: "10.0.0.1" }]; // From a database, say.
 * const peers = poll(() => rows.map(({ host }) => `http://${host}:8080`), { intervalMs: 5000 });
 *
 * for await (const list of peers) {
 *   assertEquals(list, ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *   break; // A cache keeps iterating: new GroupCache({ self, peers }).
 * }
 * ```
 */
export function poll(find: FindPeers, options: PollOptions = {}): Discovery {
  if (typeof find !== "function") {
    throw new TypeError(`Cannot create poll: expected a function: received ${quote(find)}`);
  }
  return pollAs("poll", ({ signal }) => find({ signal }), options);
}

/** As {@linkcode poll}, for sources that are built on it and have another name in messages. */
export function pollAs(
  name: string,
  find: (
    context: { signal: AbortSignal; report: (cause: unknown) => void },
  ) => readonly string[] | Promise<readonly string[]>,
  options: PollOptions,
): Discovery {
  const { intervalMs = 10_000 } = options;
  checkMs(name, "intervalMs", intervalMs);
  const watcher = (): Watcher => ({
    async run(context): Promise<void> {
      const report = (cause: unknown): void => context.report(cause);
      context.offer(await context.within(async (signal) => await find({ signal, report })));
      await context.sleep(intervalMs);
    },
  });
  return source(name, watcher, options);
}
