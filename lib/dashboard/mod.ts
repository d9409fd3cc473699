/**
 * A live page about a cache and all its processes, with health checks and metrics beside it: an app
 * of Hono to mount anywhere.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { dashboard } from "@groupcache/groupcache/dashboard";
 *
 * await using cache = new GroupCache();
 * // For Deno.serve({ port: 9090, hostname: "127.0.0.1" }, serve): the page for those on this machine.
 * const serve = dashboard(cache).fetch;
 * ```
 *
 * @module
 */

export { dashboard } from "./dashboard.ts";
export type { DashboardOptions } from "./dashboard.ts";
