/**
 * A live page about a cache and all its processes, with health checks and metrics: a Hono app that you
 * can mount anywhere.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { dashboard } from "@groupcache/groupcache/dashboard";
 *
 * await using cache = new GroupCache();
 * // Deno.serve({ port: 9090, hostname: "127.0.0.1" }, serve) shows the page on this machine only.
 * const serve = dashboard(cache).fetch;
 * ```
 *
 * @module
 */

export { dashboard } from "./dashboard.ts";
export type { DashboardOptions } from "./dashboard.ts";
