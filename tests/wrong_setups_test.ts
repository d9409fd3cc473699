/**
 * What people get wrong when they set a cluster up, and that each of it is named, by an error, the
 * log or `check()`, within a minute: nothing is silent.
 */

import { assert } from "@std/assert";
import {
  type CheckReport,
  GroupCache,
  type GroupCacheOptions,
  type GroupOptions,
  json,
  type LogEntry,
  text,
} from "../mod.ts";
import { golangRing } from "../lib/placement/mod.ts";
import { VirtualClock } from "../lib/testing/mod.ts";
import { MemoryNetwork, type Serve } from "../lib/testing/memory_network.ts";
import { test } from "./runtime.ts";

const A = "http://10.0.0.1:8080";
const B = "http://10.0.0.2:8080";
const LISTED = [A, B];

/** What is wrong with one of two processes. The other one is as it should be. */
interface WrongSetup {
  name: string;
  /** Options of the second process. */
  options?: Partial<GroupCacheOptions>;
  /** Its group's options. */
  group?: Partial<GroupOptions<unknown>>;
  groupName?: string;
  /** What answers at its address instead of it. */
  serve?: (cache: GroupCache) => Serve;
  /** Where it listens, if not at its address. */
  origin?: string;
  /** Options of the first process. */
  first?: Partial<GroupCacheOptions>;
  /** What must be told. */
  told: RegExp;
}

const page = () =>
  new Response("<!doctype html><title>Our app</title>", {
    headers: { "content-type": "text/html" },
  });
const status = (status: number, text = "") => () => new Response(text, { status });

const [SECRET, OTHER_SECRET] = ["first secret of the cluster", "other secret of the cluster"];

const SETUPS: WrongSetup[] = [
  {
    name: "nothing that keeps strangers out",
    options: { authorize: undefined as never },
    told: /Whoever reaches .* can read and change what it caches/,
  },
  {
    name: "another secret",
    first: { auth: { secrets: [SECRET as string] } },
    options: { auth: { secrets: [OTHER_SECRET as string] } },
    told: /check that all processes have the same secret/,
  },
  {
    name: "a secret at one of two",
    first: { auth: { secrets: [SECRET as string] } },
    told: /check that all processes have the same secret/,
  },
  {
    name: "no self",
    options: { self: undefined as never },
    told: /created without the option self/,
  },
  { name: "self that is no URL", options: { self: "10.0.0.2:8080" }, told: /Cannot use self/ },
  {
    name: "self of an unset variable",
    options: { self: "http://undefined:8080" },
    told: /Cannot use self/,
  },
  {
    name: "a port of an unset variable",
    options: { self: "http://10.0.0.2:undefined" },
    told: /Cannot use self/,
  },
  {
    name: "self with a path",
    options: { self: `${B}/app` },
    told: /Cannot use self: expected a URL of scheme, host and port/,
  },
  { name: "self with a space", options: { self: `${B} ` }, told: /Cannot use self/ },
  {
    name: "self that is not in the list",
    options: { self: "http://10.0.0.3:8080" },
    told: /must contain self/,
  },
  {
    name: "self with the other's address",
    options: { self: A },
    told: /calls itself http:\/\/10\.0\.0\.1/,
  },
  {
    name: "no peers",
    options: { peers: undefined as never },
    told: /no-peers|the list of peers at/,
  },
  {
    name: "peers as a string with commas",
    options: { peers: LISTED.join(",") as never },
    told: /expected an array/,
  },
  {
    name: "a list with an empty entry",
    options: { peers: [...LISTED, ""] },
    told: /Cannot use peers/,
  },
  {
    name: "a list with the same process twice",
    options: { peers: [...LISTED, A] },
    told: /listed twice/,
  },
  {
    name: "a list that lacks the other",
    options: { peers: [B] },
    told: /list of peers at .* differs/,
  },
  {
    name: "a list with one too many",
    options: { peers: [...LISTED, "http://10.0.0.9:8080"] },
    told: /list of peers at .* differs/,
  },
  {
    name: "a list with a typo",
    options: { peers: ["http://10.0.0.11:8080", B] },
    told: /list of peers at .* differs/,
  },
  {
    name: "a list with another port",
    options: { peers: ["http://10.0.0.1:8081", B] },
    told: /list of peers at .* differs/,
  },
  {
    name: "https in the list for http",
    first: { peers: [A, "https://10.0.0.2:8080"] },
    told: /https:\/\/10\.0\.0\.2:8080.*(TLS|https)/,
  },
  {
    name: "a process that does not run",
    serve: () => () => {
      throw new TypeError("connection refused");
    },
    told: /refused; check that it runs/,
  },
  {
    name: "a process that listens on another port",
    origin: "http://10.0.0.2:9090",
    told: /refused; check that it runs, and listens on that port/,
  },
  {
    name: "a process that listens on loopback only",
    origin: "http://127.0.0.1:8080",
    told: /on an address that peers can reach/,
  },
  {
    name: "a name that no server of names knows",
    serve: () => () => {
      throw new TypeError("dns error: failed to lookup address");
    },
    told: /check the name of its host/,
  },
  {
    name: "a handler that is not mounted",
    serve: () => status(404, "Not Found"),
    told: /check that cache\.handler\(\) or cache\.fetch is mounted/,
  },
  {
    name: "a handler below another path",
    options: { basePath: "/cache/" },
    serve: (cache) => (request) => cache.fetch(request),
    told: /same basePath/,
  },
  {
    name: "a handler that a page shadows",
    serve: () => page,
    told: /something else answers at .* before any catch-all/,
  },
  {
    name: "a handler that takes only GET",
    serve: (cache) => (request) => request.method === "GET" ? cache.fetch(request) : status(405)(),
    told: /status 405/,
  },
  {
    name: "a login in front",
    serve: () => status(401),
    told: /something in front of it refuses peers/,
  },
  {
    name: "a firewall in front",
    serve: () => status(403),
    told: /something in front of it refuses peers/,
  },
  {
    name: "a redirect in front",
    serve: () => () =>
      new Response(null, { status: 301, headers: { location: "https://10.0.0.2/" } }),
    told: /redirects peers/,
  },
  {
    name: "a proxy that cannot reach it",
    serve: () => status(502),
    told: /a proxy in front of it cannot reach it/,
  },
  {
    name: "a process that takes and never answers",
    serve: () => () => new Promise(() => {}),
    told: /no answer|silent|gave no sign/,
  },
  {
    name: "another placement",
    options: { placement: golangRing() },
    told: /places keys by|placement/,
  },
  {
    name: "a typo in a group's name",
    groupName: "user",
    told: /has no group "users".*it has "user": is that a typo/,
  },
  {
    name: "a group's name in capitals",
    groupName: "Users",
    told: /it has "Users": is that a typo/,
  },
  { name: "a group's name with a space", groupName: "users ", told: /without spaces around it/ },
  {
    name: "a group's name of an unset variable",
    groupName: "undefined",
    told: /it must be a name/,
  },
  { name: "another codec", group: { codec: json() as never }, told: /Cannot (decode|load)/ },
  {
    name: "values that do not fit",
    group: { maxBytes: 64 * 1024, load: () => "x".repeat(40_000) },
    told: /one may take half of maxBytes/,
  },
  {
    name: "a loader that throws",
    group: {
      load: () => {
        throw new Error("no such table");
      },
    },
    told: /no such table/,
  },
  {
    name: "a budget of a thousandth",
    group: { maxBytes: 64 * 1024 },
    told: /maxBytes of group "users" differs/,
  },
  {
    name: "a clock that is a minute ahead",
    options: { clock: ahead() },
    told: /the clock at .* differs/,
  },
  { name: "no time to live", group: { ttlMs: 0 }, told: /ttlMs must be above 0.*Leave it out/ },
  { name: "time to live in a string", group: { ttlMs: "60s" as never }, told: /ttlMs/ },
  { name: "no bound of memory", group: { maxBytes: undefined as never }, told: /maxBytes/ },
  {
    name: "another base path",
    options: { basePath: "/cache/" },
    told: /something else answers at \/cache\/ there.*all processes have the same basePath/,
  },
  {
    name: "an IPv6 address without brackets",
    options: { self: "http://fd00::2:8080" },
    told: /Cannot use self: expected a URL/,
  },
  {
    name: "an IPv6 address in two notations",
    options: { peers: [B, "http://[fd00::1]:8080", "http://[fd00:0::1]:8080"] },
    told: /is listed twice/,
  },
  {
    name: "self that is the address to listen on",
    options: { self: "http://0.0.0.0:8080", peers: [A, "http://0.0.0.0:8080"] },
    told: /calls itself http:\/\/0\.0\.0\.0:8080: self must be as the lists of peers have it/,
  },
  {
    name: "self that differs in case",
    options: { self: "HTTP://10.0.0.2:8080", peers: [A, "HTTP://10.0.0.2:8080"] },
    told: /calls itself HTTP:\/\/10\.0\.0\.2:8080/,
  },
  {
    name: "hosts without the name by which it is asked",
    options: { hosts: ["localhost:8080"] },
    told: /check its option hosts/,
  },
  {
    name: "an authorize that forgets to return",
    options: { authorize: (() => {}) as never },
    told: /not-authorized; check the option authorize/,
  },
  {
    name: "a secret that is too short",
    options: { auth: { secrets: ["short"] } },
    told: /auth\.secrets: expected at least 16 bytes/,
  },
  {
    name: "a placement by its name",
    options: { placement: "rendezvous" as never },
    told: /placement must be a Placement, as rendezvous\(\): received "rendezvous"/,
  },
  {
    name: "a tracer of OpenTelemetry itself",
    options: { tracer: { startSpan() {} } as never },
    told: /tracer must be a Tracer, as openTelemetryTracer\(\)/,
  },
  {
    name: "a discovery that fails",
    options: { peers: failing() },
    told: /Cannot update the list of peers, the previous one remains in force: no such zone/,
  },
  {
    name: "values larger than the other process takes",
    options: { limits: { maxValueBytes: 3 } },
    told: /limits\.maxValueBytes is 3/,
  },
  {
    name: "a typo in a limit",
    options: { limits: { maxValueByte: 1000 } as never },
    told: /there is no limit maxValueByte/,
  },
  {
    name: "a typo in an option",
    options: { peerTimeout: 1000 } as never,
    told: /Cannot use the option "peerTimeout" of GroupCache: there is none of that name/,
  },
  {
    name: "a typo in an option of a group",
    group: { ttl: 60_000 } as never,
    told: /Cannot use the option "ttl" of group "users": there is none of that name/,
  },
  {
    name: "the base path without slashes",
    options: { basePath: "cache" },
    told: /basePath must begin and end with a slash/,
  },
];

/** A source of peers that finds none. */
// deno-lint-ignore require-yield -- it fails before
async function* failing(): AsyncGenerator<string[]> {
  await Promise.resolve();
  throw new Error("no such zone");
}

/** Stands for a clock that is a minute ahead of the others. */
function ahead() {
  return new VirtualClock();
}

for (const setup of SETUPS) {
  test(`A wrong set-up is named: ${setup.name}`, async () => {
    const told = await tellOf(setup);
    assert(told.some((line) => setup.told.test(line)), `not among:\n${told.join("\n")}`);
  });
}

test("Nothing is reported about a correct set-up", async () => {
  const told = await tellOf({ name: "", told: /./ });
  assert(told.length === 0, told.join("\n"));
});

/** Errors, log and findings of a minute in which both processes are asked for keys. */
async function tellOf(setup: WrongSetup): Promise<string[]> {
  const told: string[] = [];
  const log = ({ level, message }: LogEntry) => {
    if (level !== "info") told.push(message);
  };
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const caches: GroupCache[] = [];
  const start = async (
    options: GroupCacheOptions,
    groupName: string,
    group: Partial<GroupOptions<unknown>>,
    listen: (cache: GroupCache) => void,
  ) => {
    try {
      const cache = new GroupCache({ clock, fetch: network.fetch, log, ...options });
      caches.push(cache);
      listen(cache);
      const users = cache.group<unknown>(
        groupName,
        {
          maxBytes: 8 << 20,
          codec: text as never,
          load: (key) => `value of ${key}`,
          ...group,
        } as GroupOptions<unknown> & { codec: never },
      );
      for (let i = 0; i < 12; i++) {
        await clock.until(users.get(`key ${caches.length} ${i}`)).catch((error) =>
          told.push(error.message)
        );
      }
    } catch (error) {
      told.push((error as Error).message);
    }
  };
  if (setup.options?.clock !== undefined) {
    await (setup.options.clock as VirtualClock).advance(60_000);
  }
  const right = { self: A, peers: LISTED, authorize: () => true, ...setup.first };
  await start(right, "users", {}, (cache) => network.listen(A, cache.fetch));
  // The first one has found nobody: that says nothing of what is wrong.
  told.length = 0;
  const wrong = { self: B, peers: LISTED, authorize: () => true, ...setup.options };
  await start(wrong, setup.groupName ?? "users", setup.group ?? {}, (cache) => {
    network.listen(setup.origin ?? B, setup.serve?.(cache) ?? cache.fetch);
  });
  await clock.advance(30_000);
  for (const cache of caches) {
    const { findings } = await clock.until(cache.check()) as CheckReport;
    told.push(...findings.map(({ cause, message }) => `${cause}: ${message}`));
  }
  await Promise.all(caches.map((cache) => cache.close()));
  return told;
}
