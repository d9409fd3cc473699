/**
 * Ranks peers for a key. Every process that is given the same peers, in whatever order, must give
 * the same answers.
 */
export interface Placement {
  /** Names the algorithm and its parameters; two processes that differ in it disagree on owners. */
  readonly name: string;
  /**
   * Whether clients of this kind write a space in a key as `+` in a URL, as golang/groupcache does.
   * Otherwise a `+` in a URL is a plus.
   *
   * @default false
   */
  readonly plusIsSpace?: boolean;
  /**
   * Whether the status of a Go peer of this kind says what became of a load: 404 that there is no
   * such value, 503 that it failed. So it is with mailgun/groupcache and groupcache-go;
   * golang/groupcache says 404 when it does not know the group, and 500 to all else.
   *
   * @default false
   */
  readonly statusTells?: boolean;
  /**
   * Prepares the ranking of `peers`, their base URLs (`http://10.0.0.1:8080`), at least one. What
   * it returns gives a key's peers in order of preference: first its owner, then those that take
   * over when the ones before are down, each peer once. Most callers stop at the first, so that
   * finding the others can wait until they are asked for.
   */
  rank(peers: readonly string[]): (key: string) => Iterable<string>;
}

/** Whether a placement is one that Go peers use, by what it says of them. */
export function isOfGo({ plusIsSpace, statusTells }: Placement): boolean {
  return plusIsSpace !== undefined || statusTells !== undefined;
}
