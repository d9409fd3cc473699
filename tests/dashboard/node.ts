// deno-lint-ignore-file no-console
/**
 * A process with a dashboard and traffic of its own: users that are asked for by a Zipf law, pages
 * that are slow to load, and a few failures.
 *
 * @module
 */

import process from "node:process";
import { GroupCache, json, text } from "@groupcache/groupcache";
import { dashboard } from "@groupcache/groupcache/dashboard";
import { Hono } from "hono";
import { serve } from "../runtime.ts";

const { PORT = "8080", PEERS = "", RATE = "100", ACTIONS = "" } = process.env;
const self = `http://127.0.0.1:${PORT}`;
const cache = new GroupCache({ self, peers: PEERS.split(","), log: false });

const users = cache.group("users", {
  maxBytes: 256 * 1024,
  codec: json<{ id: string; bio: string }>(),
  ttlMs: 20_000,
  load: async (id) => {
    await pause(2 + Math.random() * 6);
    if (id.endsWith("13")) return undefined;
    return { id, bio: "x".repeat(400) };
  },
});

const pages = cache.group("pages", {
  maxBytes: 4 << 20,
  codec: text,
  load: async (path) => {
    await pause(30 + Math.random() * 120);
    if (path === "/broken") throw new Error("the origin is down");
    return `<h1>${path}</h1>`.repeat(200);
  },
});

const app = new Hono();
app.all("/_groupcache/*", (c) => cache.fetch(c.req.raw, c.env));
app.get("/users/:id", async (c) => c.json(await users.get(c.req.param("id"))));
app.get("/gets/:count", async (c) => {
  for (let i = 0; i < Number(c.req.param("count")); i++) await users.get("42");
  return c.text("done");
});
app.route(
  "/ops",
  dashboard(cache, {
    actions: ACTIONS !== "",
    authorize: (request) => request.headers.get("x-refuse") === null,
  }),
);
serve((request, info) => app.fetch(request, info as object), { port: Number(PORT) });

process.stdin.on("end", () => process.exit(0)).resume();
console.log(`serving ${self}`);

const rate = Number(RATE);
if (rate > 0) setInterval(work, 100);

async function work(): Promise<void> {
  await Promise.allSettled(
    Array.from({ length: rate / 10 }, () => {
      const chance = Math.random();
      if (chance < 0.85) return users.get(`user:${zipf(3000)}`);
      if (chance < 0.998) return pages.get(`/page/${zipf(200)}`);
      return pages.get("/broken");
    }),
  );
}

function zipf(count: number): number {
  return Math.min(count, Math.floor(count ** Math.random()));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
