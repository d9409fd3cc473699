/**
 * Decides whether to accept a request. `info` is the second argument of the server's fetch function: on
 * Deno it contains the client's address, on Bun it is the server.
 *
 * @example
 * ```ts
 * import { type Authorize, GroupCache } from "@groupcache/groupcache";
 *
 * const authorize: Authorize = (request) => request.headers.get("x-mesh-identity") === "cache";
 * await using _cache = new GroupCache({ authorize });
 * ```
 */
export type Authorize = (request: Request, info: unknown) => boolean | Promise<boolean>;
