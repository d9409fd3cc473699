/**
 * A fault to inject into requests to a peer.
 *
 * | fault         | what its clients see                                                  |
 * | ------------- | --------------------------------------------------------------------- |
 * | `refuse`      | connections are refused                                               |
 * | `hang`        | requests are accepted and never answered                              |
 * | `garbage`     | replies have the right headers and an invalid body                    |
 * | `cut`         | replies break off halfway                                             |
 * | `{ delayMs }` | replies take that much longer, in milliseconds of the virtual clock   |
 *
 * @example
 * ```ts
 * import { Cluster, type Fault } from "@groupcache/groupcache/testing";
 *
 * await using cluster = new Cluster(2);
 * const slow: Fault = { delayMs: 50 };
 * cluster.setFault(1, slow);
 * ```
 */
export type Fault = "refuse" | "hang" | "garbage" | "cut" | { delayMs: number };
