import { type Context, Hono } from "hono";
import { GroupCacheError, messageOf, quote } from "../errors.ts";
import type { GroupCache } from "../group_cache.ts";
import { groupNamed } from "../group_cache.ts";
import { contentLengthOf } from "../http/content_length.ts";
import { PROMETHEUS_TYPE, prometheusText } from "../metrics/prometheus.ts";
import { keepOpen } from "../runtime.ts";
import { type Clock, systemClock } from "../timing/clock.ts";
import { eventStream } from "./events.ts";
import { pageFile, SAFE_HEADERS } from "./page.ts";
import { Watch } from "./watch.ts";

/**
 * Options for {@linkcode dashboard}.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { dashboard, type DashboardOptions } from "@groupcache/groupcache/dashboard";
 *
 * const options: DashboardOptions = {
 *   authorize: (request) =>
 *     request.headers.get("x-role") === "operator" ||
 *     Response.redirect("https://login.example.com"),
 *   actions: true,
 * };
 * await using cache = new GroupCache();
 * const _app = dashboard(cache, options);
 * ```
 */
export interface DashboardOptions {
  /**
   * Decides whether a request may see the dashboard: `false` replies with 401, a `Response` is sent as
   * the reply. `/healthz` and `/readyz` reply to unauthorized requests too, but without reasons.
   *
   * @default every request may
   */
  authorize?: (request: Request) => boolean | Response | Promise<boolean | Response>;
  /**
   * Whether the page may make changes: remove a key from a group in all processes. The page asks for
   * confirmation, and requests from other sites are rejected.
   *
   * @default false
   */
  actions?: boolean;
  /**
   * The source of time and timers.
   *
   * @default the runtime's clock
   */
  clock?: Clock;
}

/** The header that changes require: browsers send it only to the page's own site. */
const ACTION = "groupcache-action";

/** The largest body of a change, in bytes: a key and its group fit. */
const MAX_BODY_BYTES = 1 << 20;

/**
 * Creates a live page about a cache and all its processes, as an app that you can mount anywhere:
 *
 * | path             | content                                                                   |
 * | ---------------- | ------------------------------------------------------------------------- |
 * | `/`              | the page                                                                  |
 * | `/stats`         | the counters of this process as JSON; `?cluster`: all processes' reports  |
 * | `/metrics`       | the counters of this process, for Prometheus                              |
 * | `/healthz`       | 200, or 503 once the cache is closed                                      |
 * | `/readyz`        | 200, or 503 with reasons while the process should not receive traffic     |
 * | `/events`        | the stream of events behind the page                                      |
 * | `/inspect`       | the state of a key in all processes: `?group=…&key=…`                     |
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { dashboard } from "@groupcache/groupcache/dashboard";
 * import { assertEquals } from "@std/assert";
 * import { Hono } from "hono";
 *
 * await using cache = new GroupCache();
 * const app = new Hono();
 * app.route("/cache", dashboard(cache, {
 *   authorize: (request) => request.headers.get("authorization") === "Bearer of-an-operator",
 * }));
 *
 * const headers = { authorization: "Bearer of-an-operator" };
 * assertEquals((await app.request("/cache/", { headers })).status, 200);
 * assertEquals((await app.request("/cache/stats")).status, 401);
 * ```
 */
export function dashboard(cache: GroupCache, options: DashboardOptions = {}): Hono {
  const { authorize, actions = false, clock = systemClock } = options;
  if (authorize !== undefined && typeof authorize !== "function") {
    throw new TypeError(
      `Cannot create dashboard: authorize must be a function: received ${quote(authorize)}`,
    );
  }
  const watch = new Watch({
    self: cache.stats().self ?? "",
    clock,
    reports: () => cache.reports(),
  });
  const app = new Hono();

  const refusal = async (request: Request): Promise<Response | undefined> => {
    if (authorize === undefined) return undefined;
    const answer = await authorize(request);
    if (answer instanceof Response) return answer;
    if (answer === true) return undefined;
    return new Response("Cannot show the cache: you are not authorized", { status: 401 });
  };

  const health = async (c: Context, reasons: string[]) => {
    // One that throws allows nothing; the process is no less healthy for it.
    const maySee = await refusal(c.req.raw).then((refused) => refused === undefined, () => false);
    const ok = reasons.length === 0;
    return c.json(maySee ? { ok, reasons } : { ok }, ok ? 200 : 503, { ...SAFE_HEADERS });
  };
  app.get("/healthz", (c) => health(c, livenessReasons(cache)));
  app.get("/readyz", (c) => health(c, [...livenessReasons(cache), ...readinessReasons(cache)]));

  app.use(async (c, next) => {
    const refused = await refusal(c.req.raw);
    return refused ?? await next();
  });

  // Relative URLs of its files require the path at which it is mounted to end with a slash.
  app.get("/", (c) => {
    const { path } = c.req;
    if (!path.endsWith("/")) return c.redirect(`${path.slice(path.lastIndexOf("/") + 1)}/`, 302);
    return pageFile("index.html") ?? c.notFound();
  });
  app.get("/assets/:name", (c) => pageFile(c.req.param("name")) ?? c.notFound());

  app.get("/stats", async (c) => {
    const isCluster = c.req.query("cluster") !== undefined;
    const stats = isCluster ? await cache.reports() : cache.stats();
    return c.json(stats, 200, { ...SAFE_HEADERS, "cache-control": "no-store" });
  });

  app.get("/metrics", (c) =>
    c.body(prometheusText(cache.stats()), 200, {
      ...SAFE_HEADERS,
      "content-type": PROMETHEUS_TYPE,
    }));

  app.get("/events", (c) => {
    keepOpen(c.req.raw, c.env);
    return c.body(eventStream(watch, { clock, actions }), 200, {
      ...SAFE_HEADERS,
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Keeps nginx from buffering the reply.
      "x-accel-buffering": "no",
    });
  });

  app.get("/inspect", async (c) => {
    const { group, key } = c.req.query();
    try {
      return c.json(await cache.inspect(group ?? "", key ?? ""), 200, {
        ...SAFE_HEADERS,
        "cache-control": "no-store",
      });
    } catch (error) {
      if (error instanceof TypeError) return c.text(error.message, 400);
      throw error;
    }
  });

  // Mounted at a path, that path with a trailing slash matches no other route.
  app.get("/*", (c) => {
    const depth = c.req.routePath.split("/").length;
    const isRoot = c.req.path.endsWith("/") && c.req.path.split("/").length === depth;
    return isRoot && pageFile("index.html") || c.notFound();
  });

  if (actions) app.post("/actions/remove", (c) => removeKey(c, cache));
  return app;
}

/** Removes a key in all processes. */
async function removeKey(c: Context, cache: GroupCache): Promise<Response> {
  const why = whyNotOurs(c.req.raw);
  if (why !== undefined) return c.text(`Cannot remove the key: ${why}`, 403);
  const body = await readAtMost(MAX_BODY_BYTES, c.req.raw);
  if (body === undefined) return c.text("Cannot remove the key: it is too long", 413);
  const action = parseAction(body);
  if (action === undefined) {
    const expected = 'expected JSON such as {"group": "…", "key": "…"}';
    return c.text(`Cannot remove the key: ${expected}`, 400);
  }
  const { group: name, key } = action;
  const group = groupNamed(cache, name);
  if (group === undefined) {
    return c.text(`Cannot remove the key: there is no group ${quote(name)} here`, 404);
  }
  try {
    await group.remove(key);
    return c.json({ ok: true });
  } catch (error) {
    const status = error instanceof GroupCacheError ? 502 : 400;
    return c.text(messageOf(error), status);
  }
}

/** Returns the body of a request, or undefined as soon as it is certain that it has more bytes. */
async function readAtMost(maxBytes: number, request: Request): Promise<string | undefined> {
  if ((contentLengthOf(request.headers) ?? 0) > maxBytes) return undefined;
  if (request.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let byteLength = 0;
  for await (const chunk of request.body) {
    byteLength += chunk.byteLength;
    // Ends the loop, which cancels the body.
    if (byteLength > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseAction(json: string): { group: string; key: string } | undefined {
  let group: unknown;
  let key: unknown;
  try {
    ({ group, key } = Object(JSON.parse(json)));
  } catch {
    return undefined;
  }
  return typeof group === "string" && typeof key === "string" ? { group, key } : undefined;
}

/** Returns why a request does not come from the page itself, or undefined if it does. */
function whyNotOurs(request: Request): string | undefined {
  const { headers } = request;
  // Forms and images cannot send it, nor can scripts of other sites without permission (CORS).
  if (!headers.has(ACTION)) return `the request lacks the header ${ACTION}`;
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") return `the request comes from a ${site} page`;
  return undefined;
}

function livenessReasons(cache: GroupCache): string[] {
  return cache.stats().state === "closed" ? ["the cache was closed"] : [];
}

function readinessReasons(cache: GroupCache): string[] {
  const { state, groups } = cache.stats();
  const reasons: string[] = [];
  if (state === "leaving") reasons.push("the process is about to leave its peers");
  if (Object.keys(groups).length === 0) reasons.push("there is no group yet");
  return reasons;
}
