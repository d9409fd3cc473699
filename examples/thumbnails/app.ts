import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type GroupCache, GroupCacheError, type GroupStats, json } from "@groupcache/groupcache";
import { dashboard } from "@groupcache/groupcache/dashboard";
import { mapValues, sumOf } from "@std/collections";
import { eTag, ifNoneMatch } from "@std/http/etag";
import { Hono } from "hono";
import { averageColor, renderThumbnail } from "./render.ts";

export interface ThumbnailsOptions {
  /** The cache of this process. */
  cache: GroupCache;
  /** The folder of the pictures. */
  folder: string;
  /**
   * How long a request waits for a thumbnail before it gets the fallback, in milliseconds.
   *
   * @default 5000
   */
  patienceMs?: number;
  /** @default renderThumbnail */
  render?: (picture: Uint8Array, width: number) => Uint8Array | Promise<Uint8Array>;
  /** Logs renders and failures. */
  log: (line: string) => void;
}

/** The widths allowed: otherwise one visitor could fill the cache. */
const WIDTHS = ["80", "160", "320"];

const FALLBACK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3">' +
  '<rect width="4" height="3" fill="#ccc"/></svg>';

/** An app that serves thumbnails of the pictures in a folder. */
export function thumbnailsApp(options: ThumbnailsOptions): Hono {
  const { cache, folder, patienceMs = 5000, render = renderThumbnail, log } = options;
  const failing = new Set<string>();

  const thumbnails = cache.group("thumbnails", {
    maxBytes: 64 << 20,
    ttlMs: 10 * 60_000, // After this time, changed pictures appear.
    async load(key, { signal }) {
      const [width = "", path] = key.split(":", 2);
      // Keys also arrive from peers, and so from anyone who can reach this port.
      if (!WIDTHS.includes(width) || !isPath(path)) return undefined; // "not-found"
      const picture = await readPicture(join(folder, path), signal);
      if (picture === undefined) return undefined;
      const thumbnail = await render(picture, Number(width));
      log(`rendered ${key}`);
      failing.clear();
      return thumbnail;
    },
  });

  // A group may be derived from another. The average of 80 pixels is close enough.
  const colors = cache.group("colors", {
    maxBytes: 1 << 20,
    codec: json<string>(),
    ttlMs: 10 * 60_000,
    load: async (path, { signal }) =>
      averageColor((await thumbnails.get(`80:${path}`, { signal })).bytes()),
  });

  cache.addEventListener("load-error", ({ group, key, error }) => {
    if (group === "thumbnails") failing.add(key);
    log(error.message);
  });

  const app = new Hono();

  // Peers send their requests here. Keep outsiders away from this path, for instance by a firewall.
  app.all("/_groupcache/*", (c) => cache.fetch(c.req.raw, c.env));

  app.get("/thumbnail", async (c) => {
    const { path, width = "160" } = c.req.query();
    if (!isPath(path)) return c.text("Cannot serve thumbnail: expected a path", 400);
    if (!WIDTHS.includes(width)) {
      return c.text(`Cannot serve thumbnail: expected a width of ${WIDTHS.join(", ")}`, 400);
    }
    const thumbnail = await thumbnails.get(`${width}:${path}`, {
      signal: AbortSignal.timeout(patienceMs),
    });
    const etag = await eTag(thumbnail.bytes());
    const headers = { etag, "cache-control": "public, max-age=600", "content-type": "image/jpeg" };
    if (!ifNoneMatch(c.req.header("if-none-match") ?? null, etag)) {
      return c.body(null, 304, headers);
    }
    return thumbnail.toResponse({ headers });
  });

  app.get("/color", async (c) => {
    const { path } = c.req.query();
    if (!isPath(path)) return c.text("Cannot serve color: expected a path", 400);
    return c.json({
      path,
      color: await colors.get(path, { signal: AbortSignal.timeout(patienceMs) }),
    });
  });

  // The page for operators; on the internet it would need `authorize`.
  app.route("/cache", dashboard(cache));

  app.get("/stats", (c) => {
    const stats = cache.stats();
    return c.json({ ...stats, total: total(Object.values(stats.groups)) });
  });

  // Only problems of this process count: if a dead peer did, all processes would become unhealthy.
  app.get("/healthz", async (c) => {
    const reasons: string[] = [];
    await access(folder).catch(() => reasons.push(`the pictures in ${folder} cannot be read`));
    if (failing.size >= 5) reasons.push(`the last ${failing.size} pictures could not be rendered`);
    return c.json({ ok: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503);
  });

  app.get("/", async (c) => {
    const files = await readdir(folder, { recursive: true });
    const images = files.filter((file) => /\.(jpg|png)$/.test(file)).sort()
      .map((file) => `<img src="/thumbnail?path=${encodeURIComponent(file)}" alt="">`);
    return c.html(`<!doctype html><title>Thumbnails</title>${images.join("\n")}`);
  });

  app.onError((error, c) => {
    const code = error instanceof GroupCacheError ? error.code : error.name;
    if (code === "not-found") return c.text("Cannot find picture", 404);
    if (code !== "timeout" && code !== "TimeoutError") return c.text("Cannot serve picture", 500);
    // Browsers show it, while caches and load balancers see the failure.
    const headers = {
      "cache-control": "no-store",
      "content-type": "image/svg+xml",
      "retry-after": "1",
    };
    return c.body(FALLBACK, 503, headers);
  });

  return app;
}

/** Whether a path stays within the folder and names a picture. */
function isPath(path: string | undefined): path is string {
  return path !== undefined && /^[\w-]+(\/[\w-]+)*\.(jpg|png)$/.test(path);
}

async function readPicture(file: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file, { signal });
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

type Counts = { [name: string]: number | Counts };

/** Adds up the counters of groups. */
function total(groups: GroupStats[]): Counts {
  const add = (counts: Counts[]): Counts =>
    mapValues(
      counts[0] ?? {},
      (value: number | Counts, name: string) =>
        typeof value === "number"
          ? sumOf(counts, (each: Counts) => each[name] as number)
          : add(counts.map((each) => each[name] as Counts)),
    );
  return add(groups as unknown as Counts[]);
}
