import { assertEquals, assertRejects } from "@std/assert";
import { test } from "../runtime.ts";
import { A, B, C, keyOf, type Process, World } from "./world.ts";

/** A process whose sets are held up on their way, as requests, until a test delivers them. */
class Sender {
  readonly process: Process;
  readonly #messages: (() => Promise<Response>)[] = [];
  #isHolding = false;

  constructor(world: World, url: string, peers: readonly string[]) {
    const { fetch } = world.network;
    this.process = world.start(url, peers, {
      limits: { maxChannels: 0 },
      fetch: (input, init) => {
        if (init?.method !== "PUT" || !this.#isHolding) return fetch(input, init);
        this.#messages.push(() => fetch(input, { ...init, signal: null }));
        const { promise, reject } = Promise.withResolvers<Response>();
        init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        return promise;
      },
    });
  }

  /** Calls `set`, and aborts it while its message is under way. */
  async fail(world: World, key: string, value: string): Promise<void> {
    this.#isHolding = true;
    const controller = new AbortController();
    const call = this.process.group.set(key, value, { signal: controller.signal });
    const failed = assertRejects(() => world.clock.until(call));
    await world.clock.advance(1);
    controller.abort(new Error("the caller left"));
    await failed;
    this.#isHolding = false;
  }

  /** Has all messages arrive that were held up. Returns the statuses of the replies. */
  async deliver(): Promise<number[]> {
    const statuses: number[] = [];
    for (const message of this.#messages.splice(0)) statuses.push((await message()).status);
    return statuses;
  }
}

/** A process whose channels are held up on their way. */
class ChannelSender {
  readonly process: Process;
  readonly #world: World;
  readonly #chunks: (() => void)[] = [];
  #isHolding = false;

  constructor(world: World, url: string, peers: readonly string[]) {
    this.#world = world;
    const { fetch } = world.network;
    this.process = world.start(url, peers, {
      fetch: (input, init) => {
        if (!(init?.body instanceof ReadableStream)) return fetch(input, init);
        return fetch(input, { ...init, body: init.body.pipeThrough(this.#holding()) });
      },
    });
  }

  /** Has it open its channels. */
  async open(): Promise<void> {
    for (let i = 0; i < 4; i++) {
      await this.#world.clock.until(this.process.group.remove(`another ${i}`));
      await this.#world.clock.advance(5);
    }
  }

  /** Calls `set`, and aborts it while its message is under way. What follows it waits behind it. */
  async fail(key: string, value: string): Promise<void> {
    this.#isHolding = true;
    const controller = new AbortController();
    const call = this.process.group.set(key, value, { signal: controller.signal });
    const failed = assertRejects(() => call);
    await this.#world.clock.advance(1);
    controller.abort(new Error("the caller left"));
    await failed;
  }

  /** Has everything arrive that was held up. */
  async deliver(): Promise<void> {
    for (const deliver of this.#chunks.splice(0)) deliver();
    this.#isHolding = false;
    await this.#world.clock.advance(1);
  }

  #holding(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (chunk, controller) => {
        if (this.#isHolding) this.#chunks.push(() => controller.enqueue(chunk));
        else controller.enqueue(chunk);
      },
    });
  }
}

test("A set that failed on a channel does not undo a later change", async () => {
  await using world = new World();
  const sender = new ChannelSender(world, A, [A, B, C]);
  const [b, c] = [B, C].map((url) => world.start(url, [A, B, C])) as [Process, Process];
  const key = keyOf([A, B, C], B);
  await sender.open();
  await world.clock.until(sender.process.group.set(key, "old"));
  assertEquals(b.group.peek(key), "old");
  for (const value of ["first", "second"]) await sender.fail(key, value);
  await world.clock.until(c.group.set(key, "new"));
  const before = world.network.requestsTo(B);
  await sender.deliver();
  assertEquals(world.network.requestsTo(B) - before, 2);
  assertEquals(b.group.peek(key), "new");
});

for (const met of [true, false]) {
  test(`A set that failed does not undo a later remove, ${met ? "between" : "before"} hellos`, async () => {
    await using world = new World();
    const sender = new Sender(world, A, [A, B, C]);
    const [b, c] = [B, C].map((url) => world.start(url, [A, B, C])) as [Process, Process];
    const key = keyOf([A, B, C], B);
    if (met) await world.clock.until(sender.process.group.remove("another"));
    // Each makes the sender count further than others have heard of.
    for (const value of ["first", "second", "third"]) await sender.fail(world, key, value);
    await world.clock.until(c.group.remove(key));
    assertEquals(await sender.deliver(), [409, 409, 409]);
    for (const process of [sender.process, b, c]) {
      assertEquals(await world.get(process, key), world.valueOf(key));
    }
  });
}

test("A set that failed does not undo a later set", async () => {
  await using world = new World();
  const sender = new Sender(world, A, [A, B, C]);
  const [b, c] = [B, C].map((url) => world.start(url, [A, B, C])) as [Process, Process];
  const key = keyOf([A, B, C], B);
  await world.clock.until(sender.process.group.set(key, "old"));
  for (const value of ["first", "second", "third"]) await sender.fail(world, key, value);
  await world.clock.until(c.group.set(key, "new"));
  assertEquals(await sender.deliver(), [409, 409, 409]);
  assertEquals(b.group.peek(key), "new");
  // The sender tells the others that it tried, so they drop what they have: it may be older than that.
  for (const process of [sender.process, b, c]) {
    assertEquals(await world.get(process, key), world.valueOf(key));
  }
});

test("A set that failed does not undo a change that its owner has forgotten", async () => {
  await using world = new World();
  const urls = [A, B, C];
  const sender = new Sender(world, A, urls);
  const [b, c] = [B, C].map((url) => world.start(url, urls, { limits: { maxChanges: 16 } })) as [
    Process,
    Process,
  ];
  const key = keyOf(urls, B);
  await world.clock.until(sender.process.group.remove(key));
  for (let i = 0; i < 3; i++) await sender.fail(world, key, `old ${i}`);
  await world.clock.until(c.group.remove(key));
  for (let i = 0; i < 20; i++) await world.clock.until(c.group.remove(`other ${i}`));
  await sender.deliver();
  assertEquals(await world.get(b, key), world.valueOf(key));
});

test("A set that failed does not reach a process that has started since at its owner's URL", async () => {
  await using world = new World();
  const urls = [A, B, C];
  const sender = new Sender(world, A, urls);
  const b = world.start(B, urls);
  const c = world.start(C, urls);
  const key = keyOf(urls, B);
  await world.clock.until(sender.process.group.remove(key));
  await sender.fail(world, key, "old");
  await world.clock.until(c.group.remove(key));
  await b.cache.close();
  const next = world.start(B, urls);
  await sender.deliver();
  assertEquals(next.group.peek(key), undefined);
});

test("Processes that set a key in turns are not refused", async () => {
  await using world = new World();
  const puts: string[] = [];
  const urls = [A, B, C];
  const processes = urls.map((url) =>
    world.start(url, urls, {
      limits: { maxChannels: 0 },
      fetch: (input, init) => {
        if (init?.method === "PUT") puts.push(url);
        return world.network.fetch(input, init);
      },
    })
  );
  const key = keyOf(urls, B);
  for (const { group } of processes) await world.clock.until(group.remove("another"));
  for (let round = 0; round < 3; round++) {
    for (const { group, url } of processes) {
      await world.clock.until(group.set(key, `${round} by ${url}`));
    }
  }
  assertEquals(puts, [A, C, A, C, A, C]);
  for (const process of processes) assertEquals(await world.get(process, key), `2 by ${C}`);
});

test("Many processes can set a key at the same time", async () => {
  await using world = new World();
  const urls = Array.from({ length: 20 }, (_, i) => `http://p${i}:1`);
  const processes = world.startAll(urls);
  await world.clock.until(
    Promise.all(processes.map(({ group, url }) => group.set("key", `by ${url}`))),
  );
  const values = await Promise.all(processes.map((process) => world.get(process, "key")));
  const set = values.filter((value) => value.startsWith("by"));
  assertEquals(new Set(set).size <= 1, true, values.join());
});

test("A set whose reply is lost leaves no other value at the process that stands in", async () => {
  await using world = new World();
  const urls = [A, B, C];
  // The client repeats the message once by itself.
  let toLose = 0;
  const a = world.start(A, urls, {
    fetch: async (input, init) => {
      const reply = await world.network.fetch(input, init);
      if (toLose === 0 || init?.method !== "PUT") return reply;
      if (--toLose === 0) {
        await world.clock.until(c.group.set(key, "by c"));
        // So that it knows how much C has heard of.
        await world.clock.until(a.group.remove("another"));
      }
      throw new TypeError("connection reset");
    },
  });
  const [b, c] = [B, C].map((url) => world.start(url, urls)) as [Process, Process];
  const key = keyOf(urls, B, C);
  for (const { group } of [a, b, c]) await world.clock.until(group.set(key, "old"));
  toLose = 2;
  await world.clock.until(a.group.set(key, "by a"));
  assertEquals(toLose, 0);
  const values = await Promise.all([a, b, c].map((process) => world.get(process, key)));
  assertEquals(new Set(values.filter((value) => value.startsWith("by"))).size, 1, values.join());
});
