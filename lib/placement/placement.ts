/**
 * A family of Go implementations: golang/groupcache; or mailgun/groupcache and groupcache-go.
 *
 * @example
 * ```ts
 * import type { GoDialect } from "@groupcache/groupcache/placement";
 * import { golangRing, mailgunRing } from "@groupcache/groupcache/placement";
 * import { assertEquals } from "@std/assert";
 *
 * const dialects: (GoDialect | undefined)[] = [golangRing().dialect, mailgunRing().dialect];
 * assertEquals(dialects, ["golang", "mailgun"]);
 * ```
 */
export type GoDialect = "golang" | "mailgun";

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
   * Which Go implementation the peers that share this placement may run. They differ in how they
   * escape keys and report errors.
   *
   * @default none
   */
  readonly dialect?: GoDialect;
  /**
   * Prepares the ranking of `peers`, a non-empty list of base URLs (`http://10.0.0.1:8080`). The
   * function it returns yields the peers for a key, each once, in order of preference: the owner, then
   * those that take over while the preceding ones are down. Most callers take only the first, so
   * compute the others lazily.
   */
  rank(peers: readonly string[]): (key: string) => Iterable<string>;
}
