/**
 * Ranks peers for a key. Given the same peers in any order, all processes must rank them alike.
 *
 * @example A placement that ignores the key
 * ```ts
 * import { GroupCache, type Placement } from "@groupcache/groupcache";
 *
 * const alphabetical: Placement = {
 *   name: "alphabetical",
 *   rank: (peers) => {
 *     const sorted = peers.toSorted();
 *     return () => sorted;
 *   },
 * };
 *
 * await using _cache = new GroupCache({ placement: alphabetical });
 * ```
 */
export interface Placement {
  /** Identifies the algorithm and its parameters: processes whose names differ disagree on owners. */
  readonly name: string;
  /**
   * Whether clients write a space in a key as `+` in a URL, as golang/groupcache does. Otherwise a `+`
   * in a URL is a plus.
   *
   * @default false
   */
  readonly plusIsSpace?: boolean;
  /**
   * Whether the status of a Go peer tells the outcome of a load: 404 if there is no such value, 503 if
   * it failed. mailgun/groupcache and groupcache-go do this; golang/groupcache replies 404 if it does
   * not know the group, and 500 to everything else.
   *
   * @default false
   */
  readonly statusTells?: boolean;
  /**
   * Prepares the ranking of `peers`, a non-empty list of base URLs (`http://10.0.0.1:8080`). The
   * function it returns yields the peers for a key, each once, in order of preference: the owner, then
   * those that take over while the preceding ones are down. Most callers take only the first, so
   * compute the others lazily.
   */
  rank(peers: readonly string[]): (key: string) => Iterable<string>;
}

/** Whether Go peers use a placement, judging by its members that concern them. */
export function isOfGo({ plusIsSpace, statusTells }: Placement): boolean {
  return plusIsSpace !== undefined || statusTells !== undefined;
}
