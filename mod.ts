/**
 * A distributed read-through cache for Deno and Bun, modelled on golang/groupcache. Every process of an
 * application is a node of the cache. Each key has one owner among them, and a miss anywhere becomes one
 * load in one process, shared by all callers in the cluster.
 *
 * @example One process
 * ```ts
 * import { GroupCache, json } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * interface User {
 *   id: string;
 *   name: string;
 * }
 *
 * await using cache = new GroupCache(); // Pass `self` and `peers` to join a cluster.
 * const users = cache.group("users", {
 *   maxBytes: 64 << 20,
 *   codec: json<User>(),
 *   ttlMs: 60_000,
 *   load: (id) => ({ id, name: "Ada" }),
 * });
 *
 * const user = await users.get("42", { signal: AbortSignal.timeout(500) });
 * assertEquals(user.name, "Ada");
 * ```
 *
 * @module
 */

export type { AuthOptions } from "./lib/auth/auth_options.ts";
export type { Authorize } from "./lib/auth/authorize.ts";
export { ByteView } from "./lib/byte_view.ts";
export type { ByteViewInit } from "./lib/byte_view.ts";
export type { Clock } from "./lib/timing/clock.ts";
export { bytes, json, protobuf, text } from "./lib/codec.ts";
export type { BinaryMessageType, Codec, EncodeDecode } from "./lib/codec.ts";
export type { Discovery } from "./lib/discovery/discovery.ts";
export type { SpanDetails, SpanOutcome, TraceParent, Tracer, TraceSpan } from "./lib/tracer.ts";
export { GroupCacheError } from "./lib/errors.ts";
export type { GroupCacheErrorCode, GroupCacheErrorOptions } from "./lib/errors.ts";
export type {
  DiscoveryErrorEvent,
  GroupCacheEventMap,
  LoadErrorEvent,
  PeerDownEvent,
  PeerErrorEvent,
  PeerMismatchEvent,
  PeerMismatchKind,
  PeerUnauthorizedEvent,
  PeerUpEvent,
  ProblemEvent,
  UnauthorizedReason,
  UnprotectedEvent,
} from "./lib/events.ts";
export type { CallOptions, Group, Load, LoadContext, LoadMany } from "./lib/group_api.ts";
export { GroupCache } from "./lib/group_cache.ts";
export type { CloseOptions, FetchHandler } from "./lib/group_cache.ts";
export type { GroupCacheOptions } from "./lib/group_cache_options.ts";
export type { GroupOptions } from "./lib/group_options.ts";
export type { Fetch } from "./lib/runtime.ts";
export type { PeerLimits } from "./lib/http/peer_limits.ts";
export type { GoDialect, Placement } from "./lib/placement/placement.ts";
export type { CheckReport, Finding } from "./lib/cluster_check.ts";
export type { GroupCacheEvents } from "./lib/group_cache_events.ts";
export type { Log, LogEntry } from "./lib/problems.ts";
export type {
  HotKey,
  Inspection,
  InspectionReply,
  Problem,
  ProcessReport,
  ReportReply,
} from "./lib/process_report.ts";
export { rendezvous } from "./lib/placement/rendezvous.ts";
export type {
  AnswerCounts,
  CacheStats,
  GroupCacheStats,
  GroupLatencies,
  GroupStats,
  PeerState,
  PeerStats,
} from "./lib/stats.ts";
export type { LatencyStats } from "./lib/stats/latency_histogram.ts";
