import { assert, assertEquals, assertRejects } from "@std/assert";
import { type AuthOptions, GroupCache, GroupCacheError, text } from "../../mod.ts";
import { Cluster, VirtualClock } from "../../lib/testing/mod.ts";
import type { Serve } from "../../lib/testing/memory_network.ts";
import { serve, test } from "../runtime.ts";

const OLD = "the old secret of this cluster";
const NEW = "the new secret of this cluster";
const LOADER_ERROR = "postgres://app:s3cr3t@10.0.0.9/users";

/** Processes joined without sockets, each with its own idea of who may come in. */
class Processes extends AsyncDisposableStack {
  readonly clock = new VirtualClock();
  readonly requests: Request[] = [];
  readonly events: string[] = [];
  #serve = new Map<string, Serve>();
  readonly caches: GroupCache[];
  readonly groups;

  constructor(auths: (AuthOptions | undefined)[]) {
    super();
    const urls = auths.map((_, index) => `http://peer-${index}:8080`);
    this.caches = auths.map((auth, index) => {
      const cache = this.use(
        new GroupCache({
          self: `http://peer-${index}:8080`,
          peers: urls,
          clock: this.clock,
          log: false,
          fetch: (url, init) => this.fetch(url, init),
          ...(auth && { auth }),
        }),
      );
      cache.addEventListener("peer-unauthorized", ({ reason, isRefused, peer }) => {
        this.events.push(`${index}: ${reason}${isRefused ? "" : " (let in)"} ${peer ?? ""}`.trim());
      });
      this.listen(index, (request) => cache.fetch(request));
      return cache;
    });
    this.groups = this.caches.map((cache, index) =>
      cache.group("texts", {
        maxBytes: 1 << 20,
        codec: text,
        load: (key) => {
          if (key.startsWith("broken")) throw new Error(LOADER_ERROR);
          return `${index}`;
        },
      })
    );
  }

  /** Has somebody else answer what is sent to a process. */
  listen(index: number, serve: Serve): void {
    this.#serve.set(`http://peer-${index}:8080`, serve);
  }

  async fetch(url: string, init?: RequestInit): Promise<Response> {
    const { signal: _, ...rest } = init ?? {};
    const request = new Request(url, rest);
    this.requests.push(request.clone());
    return await (this.#serve.get(new URL(url).origin) as Serve)(request);
  }

  /** A key that one process asks another one for. */
  async keyOf(owner: number, asker: number, prefix = "key"): Promise<string> {
    const rank = (await import("../../mod.ts")).rendezvous()
      .rank(this.caches.map((_, index) => `http://peer-${index}:8080`));
    for (let i = 0;; i++) {
      const [url] = rank(`${prefix} ${i}`);
      if (owner !== asker && url === `http://peer-${owner}:8080`) return `${prefix} ${i}`;
    }
  }

  /** Lets what is under way, signatures included, go on. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
  }

  get(index: number, key: string): Promise<string> {
    const group = this.groups[index];
    assert(group !== undefined);
    // By the clock of the runtime: to sign takes time that no virtual clock knows of.
    return (group as NonNullable<typeof group>).get(key);
  }
}

test("Processes that know the secret serve each other, texts of errors included", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  assertEquals(await processes.get(0, key), "1");
  await processes.groups[0]?.set(key, "set");
  assertEquals(processes.groups[1]?.peek(key), "set");
  await processes.groups[0]?.remove(key);
  assertEquals(processes.groups[1]?.peek(key), undefined);
  const broken = await processes.keyOf(1, 0, "broken");
  const error = await assertRejects(() => processes.get(0, broken), GroupCacheError);
  assert((error as Error).message.includes(LOADER_ERROR));
  assertEquals(processes.events, []);
  // A challenge is asked for once, then nothing is sent twice.
  const unproved = processes.requests.filter(({ headers }) =>
    headers.get("groupcache-auth")?.split(".").length === 3
  );
  assert(unproved.length > 0 && unproved.length <= 4, `${unproved.length} without a proof`);
});

test("A process without the secret, or with another one, neither reads nor changes anything", async () => {
  for (const auth of [undefined, { secrets: [OLD] }]) {
    await using processes = new Processes([auth, { secrets: [NEW] }]);
    const key = await processes.keyOf(1, 0);
    await (processes.groups[1]?.get(key) as Promise<string>);
    assertEquals(await processes.get(0, key), "0", "it loads for itself");
    for (const change of ["set", "remove"] as const) {
      const group = processes.groups[0];
      const done = change === "set" ? group?.set(key, "evil") : group?.remove(key);
      const error = await ((done as Promise<void>).catch((error) => error));
      assertEquals((error as unknown as GroupCacheError).code, "peer-failed");
    }
    assertEquals(processes.groups[1]?.peek(key), "1");
    const reason = auth === undefined ? "no-proof" : "unknown-secret";
    assert(processes.events.includes(`1: ${reason}`), processes.events.join());
    if (auth) assert(processes.events.includes("0: refused http://peer-1:8080"));
  }
});

test("A process that took over a peer's address is not believed", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  assertEquals(await processes.get(0, key), "1");
  await using stranger = new GroupCache();
  stranger.group("texts", { maxBytes: 1 << 20, codec: text, load: () => "poison" });
  processes.listen(1, (request) => stranger.fetch(request));
  for (const other of [key, await processes.keyOf(1, 0, "other")]) {
    assertEquals(await processes.get(0, other), "0");
  }
  assertEquals(processes.events, ["0: no-proof http://peer-1:8080"]);
});

test("A process that passes requests on to a peer under another address is not believed", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }, {
    secrets: [NEW],
  }]);
  const key = await processes.keyOf(1, 0);
  // What is meant for 1 comes to 2, which would answer with its own.
  processes.listen(1, (request) => processes.caches[2]?.fetch(request) as Response);
  assert(await processes.get(0, key) !== "1");
  assert(processes.events.includes("2: bad-proof"), processes.events.join());
});

test("A peer that starts anew is asked again, with a proof for its new run", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  assertEquals(await processes.get(0, key), "1");
  const again = new GroupCache({
    self: "http://peer-1:8080",
    peers: ["http://peer-0:8080", "http://peer-1:8080"],
    clock: processes.clock,
    log: false,
    fetch: (url, init) => processes.fetch(url, init),
    auth: { secrets: [NEW] },
  });
  processes.use(again);
  const texts = again.group("texts", { maxBytes: 1 << 20, codec: text, load: () => "new" });
  processes.listen(1, (request) => again.fetch(request));
  assertEquals(await processes.get(0, key), "new");
  await processes.groups[0]?.set(key, "set");
  assertEquals(texts.peek(key), "set");
  assertEquals(processes.events, []);
});

test("A change waits for a process that took the place of one that left, though no reply reaches it", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  assertEquals(await processes.get(0, key), "1");
  await processes.caches[1]?.close({ drainMs: 1000 });
  const outOfReach = () => Promise.reject(new TypeError("connection refused"));
  processes.listen(1, outOfReach);
  await processes.groups[0]?.remove(key);

  const again = processes.use(
    new GroupCache({
      self: "http://peer-1:8080",
      peers: ["http://peer-0:8080", "http://peer-1:8080"],
      clock: processes.clock,
      log: false,
      fetch: (url, init) => processes.fetch(url, init).then(outOfReach),
      auth: { secrets: [NEW] },
    }),
  );
  const texts = again.group("texts", { maxBytes: 1 << 20, codec: text, load: () => "new" });
  assertEquals(await texts.get(await processes.keyOf(0, 1)), "new", "it asks peer 0 in vain");
  const error = await assertRejects(
    () => processes.groups[0]?.remove(key) as Promise<void>,
    GroupCacheError,
  );
  assertEquals(error.code, "peer-failed");
  assert(error.message.includes("http://peer-1:8080"), error.message);
});

test("A change that another process sends again does nothing", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  await processes.groups[0]?.set(key, "first");
  const put = processes.requests.findLast(({ method }) => method === "PUT");
  await processes.groups[0]?.set(key, "second");
  const reply = await processes.caches[1]?.fetch(put as Request);
  assertEquals(reply?.status, 401);
  assertEquals(processes.groups[1]?.peek(key), "second");
  assertEquals(processes.events, ["1: replayed"]);
});

for (const method of ["PUT", "DELETE"]) {
  test(`A ${method} that a proxy sends twice is made once, and its sender hears of no failure`, async () => {
    await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
    const key = await processes.keyOf(1, 0);
    await processes.get(0, key);
    let copies = 0;
    const whole = (request: Request) => processes.caches[1]?.fetch(request) as Response;
    processes.listen(1, async (request) => {
      if (request.method !== method || copies++ > 0) return await whole(request);
      await whole(request.clone());
      return await whole(request);
    });
    const failures: string[] = [];
    processes.caches[0]?.addEventListener("peer-error", ({ error }) => {
      failures.push(error.message);
    });
    const [group, owned] = processes.groups;
    await (method === "PUT" ? group?.set(key, "set") : group?.remove(key));
    assertEquals(owned?.peek(key), method === "PUT" ? "set" : undefined);
    assertEquals(await processes.get(0, key), method === "PUT" ? "set" : "1");
    assertEquals(failures, []);
    // The copy is reported where it came to, and only once.
    assertEquals(processes.events, ["1: replayed"]);
    assertEquals(copies, 2);
  });
}

test("A change reaches a peer whose challenge is not known yet, though a proxy sends it twice", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(0, 1);
  let copies = 0;
  processes.listen(1, async (request) => {
    const whole = (request: Request) => processes.caches[1]?.fetch(request) as Response;
    if (request.method !== "DELETE" || copies++ !== 1) return await whole(request);
    await whole(request.clone());
    return await whole(request);
  });
  await processes.groups[0]?.remove(key);
  assertEquals(copies, 3);
});

test("A change that is refused as sent twice, again and again, fails", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  await processes.get(0, key);
  let requests = 0;
  processes.listen(1, async (request) => {
    if (request.method === "DELETE") requests++;
    await processes.caches[1]?.fetch(request.clone());
    return await processes.caches[1]?.fetch(request) as Response;
  });
  const error = await assertRejects(async () => await processes.groups[0]?.remove(key));
  assertEquals((error as GroupCacheError).code, "peer-failed");
  assert(requests <= 8, `${requests} requests`);
});

test("A channel is opened again, with the challenge of a peer that has just started anew", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const again = processes.use(
    new GroupCache({
      self: "http://peer-1:8080",
      peers: ["http://peer-0:8080", "http://peer-1:8080"],
      clock: processes.clock,
      log: false,
      fetch: (url, init) => processes.fetch(url, init),
      auth: { secrets: [NEW] },
    }),
  );
  again.group("texts", { maxBytes: 1 << 20, codec: text, load: () => "new" });
  const statuses: number[] = [];
  let gets = 0;
  processes.listen(1, async (request) => {
    const isChannel = new URL(request.url).pathname.endsWith("/_channel/");
    // The one that knew the challenge has ended just before the channel is to be opened.
    const isOld = !isChannel && statuses.length === 0;
    if (request.method === "GET") gets++;
    const serving = isOld ? processes.caches[1] : again;
    const reply = await serving?.fetch(request) as Response;
    if (isChannel) statuses.push(reply.status);
    return reply;
  });
  for (let i = 0; i < 200 && statuses.at(-1) !== 200; i++) {
    await processes.get(0, await processes.keyOf(1, 0, `warm up ${i}`));
    await processes.turn();
  }
  assertEquals(statuses, [401, 200]);
  // Echoes prove the channel in the background.
  for (let i = 0; i < 200; i++) await processes.turn();
  gets = 0;
  assertEquals(await processes.get(0, await processes.keyOf(1, 0, "by channel")), "new");
  assertEquals(gets, 0);
  assertEquals(processes.events, []);
});

test("A body that was changed on its way does nothing", async () => {
  await using processes = new Processes([{ secrets: [NEW] }, { secrets: [NEW] }]);
  const key = await processes.keyOf(1, 0);
  const whole = (request: Request) => processes.caches[1]?.fetch(request) as Response;
  await processes.get(0, key);
  processes.listen(1, async (request) => {
    if (request.method !== "PUT") return await whole(request);
    const body = new Uint8Array(await request.arrayBuffer());
    const at = new TextDecoder("latin1").decode(body).indexOf("good");
    body.set(new TextEncoder().encode("evil"), at);
    return await whole(new Request(request.url, { method: "PUT", headers: request.headers, body }));
  });
  // The next process in the key's order takes the value instead.
  await processes.groups[0]?.set(key, "good");
  assertEquals(processes.groups[1]?.peek(key), undefined);
  assertEquals(await processes.get(0, key), "good");
  assertEquals(processes.events, ["1: bad-proof"]);
});

const ROLLOUTS: { name: string; auths: [AuthOptions | undefined, AuthOptions | undefined] }[] = [
  { name: "the first to send proofs", auths: [{ secrets: [NEW], mode: "send" }, undefined] },
  {
    name: "the last to send proofs",
    auths: [{ secrets: [NEW], mode: "send" }, { secrets: [NEW], mode: "send" }],
  },
  {
    name: "the first to require them",
    auths: [{ secrets: [NEW], mode: "send" }, { secrets: [NEW] }],
  },
  { name: "the first to know a new secret", auths: [{ secrets: [OLD, NEW] }, { secrets: [OLD] }] },
  { name: "the first to use it", auths: [{ secrets: [NEW, OLD] }, { secrets: [OLD, NEW] }] },
  { name: "the first to forget the old one", auths: [{ secrets: [NEW] }, { secrets: [NEW, OLD] }] },
];

for (const { name, auths } of ROLLOUTS) {
  test(`A rollout loses nothing by ${name}`, async () => {
    for (const both of [auths, auths.toReversed()]) {
      await using processes = new Processes(both);
      for (const [asker, owner] of [[0, 1], [1, 0]] as const) {
        const key = await processes.keyOf(owner, asker);
        assertEquals(await processes.get(asker, key), `${owner}`);
        await processes.groups[asker]?.set(key, "set");
        assertEquals(processes.groups[owner]?.peek(key), "set");
      }
      const refused = processes.events.filter((event) => !event.includes("(let in)"));
      assertEquals(refused, []);
    }
  });
}

test("A drain hands off with proofs, too", async () => {
  await using cluster = new Cluster(3, { auth: { secrets: [NEW] }, log: false });
  const loads: string[] = [];
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", { maxBytes: 1 << 20, codec: text, load: (key) => (loads.push(key), key) })
  );
  const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);
  for (const group of groups) await group.getMany(keys);
  const [first, second] = groups;
  await cluster.caches[0]?.close({ drainMs: 5000 });
  loads.length = 0;
  await second?.getMany(keys);
  assertEquals(loads, []);
  assert(first !== second);
});

test("Processes prove themselves over sockets, whatever the key", async () => {
  const auth = { secrets: [NEW] };
  const caches: GroupCache[] = [];
  const servers = [0, 1].map((index) =>
    serve((request, info) => (caches[index] as GroupCache).fetch(request, info))
  );
  await using _a = servers[0] as AsyncDisposable;
  await using _b = servers[1] as AsyncDisposable;
  const peers = servers.map(({ url }) => url);
  for (const self of peers) caches.push(new GroupCache({ self, peers, auth, log: false }));
  const groups = caches.map((cache) =>
    cache.group("texts é?#", { maxBytes: 8 << 20, codec: text, load: (key) => key })
  );
  const events: string[] = [];
  for (const cache of caches) {
    cache.addEventListener("peer-unauthorized", ({ reason }) => events.push(reason));
    cache.addEventListener("peer-error", ({ error }) => events.push(error.message));
  }
  const odd = [
    "a b+c",
    "%2F",
    "..",
    ".",
    "é~'()*!",
    "ü?#&",
    "k".repeat(20_000),
    "\u0000\ud83d\ude00",
  ];
  for (const key of odd) {
    for (const group of groups) {
      assertEquals(await group.get(key), key);
      await group.set(key, "set");
      await group.set(key, "s".repeat(300_000));
      await group.remove(key);
    }
  }
  assertEquals(events, []);
  for (const cache of caches) await cache.close();
});

test("GroupCache warns once that nothing keeps strangers out, if they can reach it", async () => {
  const cases: [string, boolean][] = [
    ["http://10.0.0.1:8080", true],
    ["https://cache.example", true],
    ["http://[2001:db8::1]:80", true],
    ["http://127.0.0.1:8080", false],
    ["http://localhost:8080", false],
    ["http://[::1]:8080", false],
  ];
  for (const [self, isWarned] of cases) {
    const messages: string[] = [];
    for (const options of [{}, { auth: { secrets: [NEW] } }, { authorize: () => true }]) {
      await using cache = new GroupCache({ self, log: false, ...options });
      cache.addEventListener("unprotected", ({ message }) => messages.push(message));
      await Promise.resolve();
    }
    assertEquals(messages.length, isWarned ? 1 : 0, self);
  }
});

test("A channel proves itself when it opens, carries changes, and opens for nobody else", async () => {
  const auth = { secrets: [NEW] };
  const opened: { status: number; proof: string }[] = [];
  const changes: string[] = [];
  const caches: GroupCache[] = [];
  const servers = [0, 1].map((index) =>
    serve(async (request, info) => {
      const reply = await (caches[index] as GroupCache).fetch(request, info);
      if (request.url.endsWith("/_channel/")) {
        opened.push({ status: reply.status, proof: request.headers.get("groupcache-auth") ?? "" });
      }
      if (request.method === "PUT" || request.method === "DELETE") changes.push(request.url);
      return reply;
    })
  );
  await using _a = servers[0] as AsyncDisposable;
  await using _b = servers[1] as AsyncDisposable;
  const peers = servers.map(({ url }) => url);
  for (const self of peers) caches.push(new GroupCache({ self, peers, auth, log: false }));
  const [group, other] = caches.map((cache) =>
    cache.group("texts", { maxBytes: 8 << 20, codec: text, load: (key) => key })
  );
  const reasons: string[] = [];
  for (const cache of caches) {
    cache.addEventListener("peer-unauthorized", ({ reason }) => reasons.push(reason));
  }
  const deadline = performance.now() + 20_000;
  for (let turn = 0; opened.length === 0 && performance.now() < deadline; turn++) {
    const keys = Array.from({ length: 50 }, (_, index) => `key ${turn} ${index}`);
    assertEquals((await group?.getMany(keys))?.size, 50);
  }
  assertEquals([opened[0]?.status, reasons], [200, []]);
  // The first say who is there, and how much it knows.
  for (let turn = 0; performance.now() < deadline; turn++) {
    const keys = Array.from({ length: 20 }, (_, index) => `changed ${turn} ${index}`);
    changes.length = 0;
    await Promise.all(keys.map((key) => group?.set(key, "set")));
    assertEquals(await Promise.all(keys.map((key) => other?.get(key))), keys.map(() => "set"));
    await Promise.all(keys.map((key) => group?.remove(key)));
    assertEquals(await Promise.all(keys.map((key) => other?.get(key))), keys);
    if (changes.length === 0) break;
  }
  assertEquals([changes, reasons], [[], []]);
  const init = { method: "POST", headers: { "content-type": "application/x-protobuf" }, body: "x" };
  const stranger = await fetch(`${peers[1]}/_groupcache/_channel/`, init);
  assertEquals([stranger.status, await stranger.text()], [401, ""]);
  assertEquals(reasons, ["no-proof"]);
  const eavesdropper = await fetch(`${peers[1]}/_groupcache/_channel/`, {
    ...init,
    headers: { ...init.headers, "groupcache-auth": opened[0]?.proof ?? "" },
  });
  assertEquals([eavesdropper.status, await eavesdropper.text()], [401, ""]);
  assertEquals(reasons.slice(1), ["replayed"]);
  for (const cache of caches) await cache.close();
});
