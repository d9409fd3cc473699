/**
 * A source of peer lists: an async iterable. Each item is either the complete current list, base URLs
 * such as `http://10.0.0.1:8080`, or an `Error` that tells why there is none at present; the previous
 * list then remains in force. `iterator.return()` ends the source.
 *
 * `dns`, `kubernetes`, `etcd`, `consul` and `poll` create sources, and any async generator is one.
 *
 * @example A generator as a source
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
