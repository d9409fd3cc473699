// deno-lint-ignore-file no-console
/**
 * A process of a cluster that does what tests tell it, by JSON posted to `/control`. Its standard
 * input is closed when the process that started it has gone, and then it goes as well.
 *
 *     node.ts [--hono] [--body-limit] [--port=…] [--max-body=…]
 *
 * Mounted plainly, or in a Hono app, with a limit of 1 MiB to bodies or without one; on this port; by a
 * server that takes bodies of so many bytes, if that is Bun's.
 *
 * @module
 */

import process from "node:process";
import { type Group, GroupCache, rendezvous, text } from "@groupcache/groupcache";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { serve } from "../runtime.ts";
import { ChannelCount } from "./channel_count.ts";

/** What a process can be told, and what it answers. */
export interface Control {
  /** Become a peer of a cluster, with an empty cache. */
  join(order: {
    peers: string[];
    /** Owns all keys. */
    owner?: string;
    peerTimeoutMs?: number;
    /** How others reach this process, if not directly. */
    self?: string;
  }): void;
  /** Take another list of peers. */
  setPeers(order: { peers: string[] }): void;
  /** Get a key, many times at once. Returns the distinct values, and the distinct errors. */
  get(order: { key: string; times?: number }): { values: string[]; errors: string[] };
  /** Get many keys by one call. Returns keys and values. */
  getMany(order: { keys: string[] }): [key: string, value: string][];
  set(order: { key: string; value: string }): void;
  remove(order: { key: string }): void;
  /** What is in memory, or null. */
  peek(order: { key: string }): string | null;
  /** Start to get a key, and return at once. */
  begin(order: { id: string; key: string }): void;
  /** Leave that get. Returns how it ended. */
  abort(order: { id: string }): string;
  /** Start to get key after key, some at a time, each new one in turn with one had before. */
  startTraffic(order: { concurrency: number }): void;
  /** End that. */
  stopTraffic(): void;
  /** Close the cache and the server, in this order, and end. Prints how long that took. */
  stop(order: { first: "cache" | "server"; drainMs: number }): void;
  /** Leave the cluster, and end. */
  leave(order: { drainMs: number }): void;
  state(): State;
}

export interface State {
  /** The keys that the loader was called with, in order. */
  loads: string[];
  /** The keys whose loads were aborted. */
  aborted: string[];
  /** What traffic has brought so far. */
  traffic: { gets: number; failures: string[] };
  serverRequests: number;
  peerErrors: number;
  /** How many requests of peers have come, and how many of them to open a channel. */
  requests: number;
  channels: number;
  /** How many of the channels are open. */
  openChannels: number;
}

let cache = new GroupCache();
let group: Group<string>;
let loads: string[] = [];
let aborted: string[] = [];
const begun = new Map<string, { controller: AbortController; outcome: Promise<string> }>();
let traffic: State["traffic"] & { isOn: boolean } = { isOn: false, gets: 0, failures: [] };

let requests = 0;
const channels = new ChannelCount();

/** `large:<bytes>:…` has so many, `slow:<ms>:…` takes its time, `stuck:…` as much as it is given; any other is there at once. */
async function load(key: string, { signal }: { signal: AbortSignal }): Promise<string> {
  loads.push(key);
  signal.addEventListener("abort", () => aborted.push(key));
  const [kind, ms] = key.split(":", 2);
  if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, Number(ms)));
  if (kind === "stuck") {
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
  return kind === "large" ? "x".repeat(Number(ms)) : `value of ${key}`;
}

function argument(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`${name}=`))?.split("=")[1];
}

const commands: { [Name in keyof Control]: (order: never) => unknown } = {
  async join({ peers, owner, peerTimeoutMs, self = server.url }: Parameters<Control["join"]>[0]) {
    await cache.close();
    loads = [];
    aborted = [];
    const { rank } = rendezvous();
    cache = new GroupCache({
      self,
      peers,
      ...(peerTimeoutMs === undefined ? {} : { peerTimeoutMs }),
      ...(owner === undefined ? {} : {
        placement: {
          name: "test",
          rank: (peers) => {
            const order = rank(peers);
            return (key) => new Set([owner, ...order(key)]);
          },
        },
      }),
    });
    group = cache.group("values", { maxBytes: 64 << 20, codec: text, load });
  },

  setPeers({ peers }: Parameters<Control["setPeers"]>[0]) {
    cache.setPeers(peers);
  },

  async get({ key, times = 1 }: Parameters<Control["get"]>[0]) {
    const outcomes = await Promise.allSettled(
      Array.from({ length: times }, () => group.get(key)),
    );
    const values = new Set<string>();
    const errors = new Set<string>();
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") values.add(outcome.value);
      else errors.add(String(outcome.reason));
    }
    return { values: [...values], errors: [...errors] };
  },

  getMany: async ({ keys }: Parameters<Control["getMany"]>[0]) => [...await group.getMany(keys)],
  set: ({ key, value }: Parameters<Control["set"]>[0]) => group.set(key, value),
  remove: ({ key }: Parameters<Control["remove"]>[0]) => group.remove(key),
  peek: ({ key }: Parameters<Control["peek"]>[0]) => group.peek(key) ?? null,

  begin({ id, key }: Parameters<Control["begin"]>[0]) {
    const controller = new AbortController();
    const outcome = group.get(key, { signal: controller.signal })
      .then((value) => value, (error) => error.name);
    begun.set(id, { controller, outcome });
  },

  abort({ id }: Parameters<Control["abort"]>[0]) {
    const { controller, outcome } = begun.get(id) ?? {};
    controller?.abort();
    return outcome;
  },

  startTraffic({ concurrency }: Parameters<Control["startTraffic"]>[0]) {
    const mine: typeof traffic = { isOn: true, gets: 0, failures: [] };
    traffic = mine;
    const one = async () => {
      while (mine.isOn) {
        const number = mine.gets++;
        const key = `traffic:${number % 2 === 0 ? number : number >> 1}`;
        try {
          const value = await group.get(key);
          if (value !== `value of ${key}`) mine.failures.push(`${key} came as ${value}`);
        } catch (error) {
          mine.failures.push(`${key}: ${error}`);
        }
        // Hits settle without I/O, and would leave no time for it.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    for (let index = 0; index < concurrency; index++) one();
  },

  stopTraffic() {
    traffic.isOn = false;
  },

  stop({ first, drainMs }: Parameters<Control["stop"]>[0]) {
    // Once this has been answered.
    setTimeout(async () => {
      const startMs = performance.now();
      const stopServer = () => server.stop();
      const closeCache = () => cache.close({ drainMs });
      // Without a wait between them: a server may stop only once the cache is closed.
      await Promise.all(
        (first === "cache" ? [closeCache, stopServer] : [stopServer, closeCache])
          .map((close) => close()),
      );
      console.log(`stopped in ${Math.round(performance.now() - startMs)} ms`);
      process.exit();
    }, 50);
  },

  leave({ drainMs }: Parameters<Control["leave"]>[0]) {
    cache.close({ drainMs }).then(() => process.exit());
  },

  state(): State {
    const { serverRequests, peerErrors } = group.stats();
    const { gets, failures } = traffic;
    return {
      loads,
      aborted,
      traffic: { gets, failures },
      serverRequests,
      peerErrors,
      requests,
      channels: channels.opened,
      openChannels: channels.open,
    };
  },
};

async function control(request: Request): Promise<Response> {
  const { command, order } = await request.json() as { command: keyof Control; order: never };
  try {
    return Response.json(await commands[command](order) ?? null);
  } catch (error) {
    return Response.json(String(error), { status: 500 });
  }
}

/** Counts the requests of peers. */
async function count(request: Request, info: unknown): Promise<Response> {
  requests++;
  return channels.add(request, await mount(request, info));
}

const app = new Hono();
if (process.argv.includes("--body-limit")) app.use(bodyLimit({ maxSize: 1 << 20 }));
app.all("/_groupcache/*", (c) => cache.fetch(c.req.raw, c.env));
const mount: (request: Request, info: unknown) => Response | Promise<Response> =
  process.argv.includes("--hono")
    ? (request, info) => app.fetch(request, info as Record<string, unknown>)
    : (request, info) => cache.fetch(request, info);

const server = serve(
  (request, info) =>
    new URL(request.url).pathname === "/control" ? control(request) : count(request, info),
  {
    port: Number(argument("--port") ?? 0),
    maxRequestBodySize: Number(argument("--max-body") ?? 128 << 20),
  },
);
process.stdin.resume();
process.stdin.on("end", () => process.exit());
console.log(`serving ${server.url}`);
