/**
 * A source of peer lists: an async iterable. Each item is either the whole list as it now is, base
 * URLs as `http://10.0.0.1:8080`, or an `Error` that says why there is none for the moment. What
 * was listed before holds until the next list. `iterator.return()` ends it.
 *
 * `dns`, `kubernetes`, `etcd`, `consul` and `poll` make sources. So does an async generator:
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import type { Discovery } from "@groupcache/groupcache/discovery";
 *
 * async function* listed(): AsyncGenerator<string[]> {
 *   yield await Promise.resolve(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 * }
 *
 * const peers: Discovery = listed();
 * await using _cache = new GroupCache({ self: "http://10.0.0.1:8080", peers });
 * ```
 */
export interface Discovery extends AsyncIterable<readonly string[] | Error> {}
