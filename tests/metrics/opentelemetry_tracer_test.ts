import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { assert, assertEquals } from "@std/assert";
import { type Group, GroupCacheError, rendezvous, text } from "../../mod.ts";
import { CHANGE, PEEK, TRACEPARENT } from "../../lib/http/headers.ts";
import { openTelemetryTracer } from "../../lib/metrics/mod.ts";
import { Cluster, type ClusterOptions } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const ORDINARY: ClusterOptions = { limits: { maxChannels: 0 } };

/** OpenTelemetry's own SDK, as a program sets it up, and two processes that trace by it. */
class Setup implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly groups: readonly Group<string>[];
  /** Whether each run of the loader was in a span that is recorded. */
  readonly loadsInSpans: boolean[] = [];
  /** The requests that carry a change, or peek, as method and `traceparent`. */
  readonly requests: { what: string; traceparent: string | null }[] = [];
  #exporter = new InMemorySpanExporter();
  #provider: BasicTracerProvider;
  /** What the loader waits for. */
  gate: Promise<void> = Promise.resolve();

  constructor(
    { batches = false, sampler, ...options }: ClusterOptions & {
      batches?: boolean;
      sampler?: Sampler;
    } = {},
  ) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    this.#provider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.#exporter)],
      ...(sampler && { sampler }),
    });
    trace.setGlobalTracerProvider(this.#provider);
    const tracer = openTelemetryTracer({ context, trace });
    const authorize = ({ method, headers }: Request) => {
      const what = headers.has(PEEK) ? "peek" : headers.has(CHANGE) ? method : undefined;
      const traceparent = headers.get(TRACEPARENT);
      if (what !== undefined) this.requests.push({ what, traceparent });
      return true;
    };
    // New processes peek at each other before they load.
    this.cluster = new Cluster(2, { handoffMs: 0, ...options, tracer, authorize });
    const load = async (keys: readonly string[]): Promise<string> => {
      this.loadsInSpans.push(trace.getActiveSpan()?.isRecording() ?? false);
      await this.gate;
      return await trace.getTracer("app").startActiveSpan("query", (span) => {
        span.end();
        if (keys[0]?.startsWith("bad")) throw new TypeError("no table");
        return Promise.resolve("value");
      });
    };
    this.groups = this.cluster.caches.map((cache) =>
      cache.group("texts", {
        maxBytes: 1 << 20,
        codec: text,
        load: (key) => key.startsWith("missing") ? undefined : load([key]),
        ...(batches && {
          loadMany: async (keys: readonly string[]) => {
            const value = await load(keys);
            return new Map(keys.map((key) => [key, value]));
          },
        }),
      })
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.#provider.shutdown();
    trace.disable();
    context.disable();
  }

  /** A key that a process owns. */
  key(process: number, name = "key"): string {
    const rank = rendezvous().rank(this.cluster.urls);
    for (let i = 0;; i++) {
      const key = `${name} ${i}`;
      const [owner] = rank(key);
      if (owner === this.cluster.urls[process]) return key;
    }
  }

  /** Gets a key from the first process, within a span of the application. */
  async get(key: string): Promise<string> {
    const got = within("request", () => this.groups[0]?.get(key));
    return await this.cluster.clock.until(got) ?? "";
  }

  async failure(call: Promise<unknown>): Promise<string> {
    return await call.then(
      () => "none",
      (error) => error instanceof GroupCacheError ? error.code : error.name,
    );
  }

  /** Has the processes open a channel, and forgets the spans of that. */
  async openChannel(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await this.get(this.key(1, `warm up ${i}`));
      await this.cluster.clock.advance(50);
    }
    this.forget();
  }

  forget(): void {
    this.#exporter.reset();
    this.loadsInSpans.length = 0;
    this.requests.length = 0;
  }

  get spans(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** The finished spans with those below them, as text: siblings by name. */
  get tree(): string[] {
    const spans = this.spans;
    const ids = new Set(spans.map((span) => span.spanContext().spanId));
    const below = (parent: string | undefined, indent: string): string[] =>
      spans
        .filter(({ parentSpanContext: { spanId = "" } = {} }) =>
          parent === undefined ? !ids.has(spanId) : spanId === parent
        )
        .sort((a, b) => a.name < b.name ? -1 : 1)
        .flatMap((span) => [
          `${indent}${span.name}${span.status.code === SpanStatusCode.ERROR ? " failed" : ""}`,
          ...below(span.spanContext().spanId, `${indent}  `),
        ]);
    return below(undefined, "");
  }

  named(name: string): ReadableSpan {
    const span = this.spans.find((span) => span.name === name);
    if (span === undefined) throw new Error(`no span ${name}, only ${this.tree}`);
    return span;
  }
}

/** Calls `work` in a new span. */
function within<T>(name: string, work: () => Promise<T> | undefined): Promise<T | undefined> {
  return trace.getTracer("app").startActiveSpan(name, async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

test("openTelemetryTracer() traces a get through the load, in whose span the loader runs", async () => {
  await using setup = new Setup();
  const key = setup.key(0);
  assertEquals(await setup.get(key), "value");
  assertEquals(setup.tree, [
    "request",
    "  cache.get texts",
    "    cache.load texts",
    "      query",
  ]);
  assertEquals(setup.named("cache.get texts").attributes, {
    "cache.operation": "get",
    "groupcache.group": "texts",
    "cache.key": [key],
    "cache.hit": false,
    "groupcache.source": "load",
    "cache.item_size": 5,
  });
});

test("openTelemetryTracer() makes no span of a get from memory", async () => {
  await using setup = new Setup();
  await setup.get(setup.key(0));
  setup.forget();
  await setup.get(setup.key(0));
  await within("request", () => setup.groups[0]?.getMany([setup.key(0)]));
  assertEquals(setup.tree, ["request", "request"]);
});

for (
  const { name, options } of [
    { name: "an ordinary request", options: ORDINARY },
    { name: "a channel", options: {} },
  ]
) {
  test(`A trace goes on in the process that is asked by ${name}`, async () => {
    await using setup = new Setup(options);
    await setup.openChannel();
    await setup.get(setup.key(1));
    assertEquals(setup.tree, [
      "request",
      "  cache.get texts",
      "    cache.peer texts",
      "      cache.load texts",
      "        query",
    ]);
    const { attributes } = setup.named("cache.peer texts");
    assertEquals([attributes["server.address"], attributes["server.port"]], ["peer-1", 8080]);
    assertEquals(setup.named("cache.get texts").attributes["groupcache.source"], "peer");
  });

  test(`Keys of several traces that are asked for together by ${name} keep theirs`, async () => {
    await using setup = new Setup(options);
    await setup.openChannel();
    const keys = Array.from({ length: 6 }, (_, index) => setup.key(1, `key ${index}`));
    // The first request is alone, and the others share the next one.
    const gate = Promise.withResolvers<void>();
    setup.gate = gate.promise;
    const gets = keys.map((key, index) =>
      within(`request ${index}`, () => setup.groups[0]?.get(key))
    );
    await setup.cluster.clock.advance(50);
    gate.resolve();
    await setup.cluster.clock.until(Promise.all(gets));
    assertEquals(
      setup.tree,
      keys.flatMap((_, index) => [
        `request ${index}`,
        "  cache.get texts",
        "    cache.peer texts",
        "      cache.load texts",
        "        query",
      ]),
    );
  });

  test(`A getMany has one span, one for the peer that it asks by ${name}, and one for loadMany`, async () => {
    await using setup = new Setup({ ...options, batches: true });
    await setup.openChannel();
    const keys = Array.from({ length: 50 }, (_, index) => setup.key(1, `key ${index}`));
    await setup.cluster.clock.until(within("request", () => setup.groups[0]?.getMany(keys)));
    assertEquals(setup.tree, [
      "request",
      "  cache.getMany texts",
      "    cache.peer texts",
      "      cache.loadMany texts",
      "        query",
    ]);
    const { attributes } = setup.named("cache.getMany texts");
    assertEquals(attributes["cache.key"], keys.slice(0, 32));
    assertEquals(attributes["cache.item_size"], 250);
  });

  test(`A trace that is not sampled makes no spans in the process that is asked by ${name}`, async () => {
    const sampler = new ParentBasedSampler({ root: new AlwaysOffSampler() });
    await using setup = new Setup({ ...options, sampler });
    await setup.openChannel();
    await setup.get(setup.key(1));
    assertEquals(setup.spans, []);
    assertEquals(setup.loadsInSpans, [false]);
  });
}

test("A loadMany that serves several traces belongs to the first, and is linked to the others", async () => {
  await using setup = new Setup({ batches: true });
  await Promise.all(["a", "b", "c"].map((name) => setup.get(setup.key(0, name))));
  const loads = setup.spans.filter(({ name }) => name === "cache.loadMany texts");
  assertEquals(loads.length, 1);
  const gets = setup.spans.filter(({ name }) => name === "cache.get texts");
  const ids = gets.map((span) => span.spanContext().spanId);
  const [load] = loads;
  assertEquals(
    [load?.parentSpanContext?.spanId, ...load?.links.map(({ context }) => context.spanId) ?? []],
    ids,
  );
});

test("A get that joins another one says so, and the load has one span", async () => {
  await using setup = new Setup();
  await Promise.all([1, 2, 3].map(() => setup.get(setup.key(0))));
  const gets = setup.spans.filter(({ name }) => name === "cache.get texts");
  assertEquals(gets.map(({ attributes }) => attributes["groupcache.shared"]), [
    undefined,
    true,
    true,
  ]);
  assertEquals(setup.spans.filter(({ name }) => name === "cache.load texts").length, 1);
});

test("A failed load is an error of each span, and a missing value is none", async () => {
  await using setup = new Setup();
  assertEquals(await setup.failure(setup.get(setup.key(1, "bad"))), "load-failed");
  assertEquals(setup.tree, [
    "request",
    "  cache.get texts failed",
    "    cache.peer texts failed",
    "      cache.load texts failed",
    "        query",
  ]);
  const { attributes, status } = setup.named("cache.load texts");
  assertEquals([attributes["error.type"], status.message], ["TypeError", "no table"]);
  assertEquals(setup.named("cache.get texts").attributes["error.type"], "load-failed");

  setup.forget();
  assertEquals(await setup.failure(setup.get(setup.key(1, "missing"))), "not-found");
  assertEquals(setup.tree, [
    "request",
    "  cache.get texts",
    "    cache.peer texts",
    "      cache.load texts",
  ]);
  for (const name of ["get", "peer", "load"]) {
    const { attributes } = setup.named(`cache.${name} texts`);
    assertEquals(attributes["groupcache.source"], "notFound", name);
  }
});

test("Spans end when the caller leaves, even if the loader goes on for ever", async () => {
  await using setup = new Setup();
  setup.gate = new Promise(() => {});
  const caller = new AbortController();
  const { signal } = caller;
  const got = setup.failure(
    within("request", () => setup.groups[0]?.get(setup.key(0), { signal })),
  );
  await setup.cluster.clock.advance(10);
  caller.abort();
  assertEquals(await got, "AbortError");
  assertEquals(setup.tree, ["request", "  cache.get texts", "    cache.load texts"]);
  for (const name of ["get", "load"]) {
    const { attributes } = setup.named(`cache.${name} texts`);
    assertEquals(attributes["groupcache.source"], "aborted", name);
  }
});

test("A load that takes too long is an error of its span", async () => {
  await using setup = new Setup();
  setup.gate = new Promise(() => {});
  assertEquals(await setup.failure(setup.get(setup.key(0))), "timeout");
  assertEquals(setup.named("cache.load texts").attributes["error.type"], "timeout");
});

test("A peer that is down is an error of its span, and the next process's load belongs to the get", async () => {
  await using setup = new Setup();
  setup.cluster.setFault(1, "refuse");
  assertEquals(await setup.get(setup.key(1)), "value");
  assertEquals(setup.tree, [
    "request",
    "  cache.get texts",
    "    cache.load texts",
    "      query",
    "    cache.peer texts failed",
  ]);
  assertEquals(setup.named("cache.peer texts").attributes["error.type"], "peer-failed");
});

/** The `traceparent` of a span, as a peer is told of it. */
function traceparentOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

const CHANGES: {
  name: string;
  key: string;
  owner: 0 | 1;
  change: (group: Group<string>, key: string) => Promise<void>;
  span: string;
  request: string;
}[] = [
  {
    name: "A set of a key that this process owns",
    key: "key",
    owner: 0,
    change: (group, key) => group.set(key, "new"),
    span: "cache.set texts",
    request: "DELETE",
  },
  {
    name: "A set of a key that another process owns",
    key: "key",
    owner: 1,
    change: (group, key) => group.set(key, "new"),
    span: "cache.set texts",
    request: "PUT",
  },
  {
    name: "A remove of a key that this process owns",
    key: "key",
    owner: 0,
    change: (group, key) => group.remove(key),
    span: "cache.remove texts",
    request: "DELETE",
  },
  {
    name: "A remove of a key that another process owns",
    key: "key",
    owner: 1,
    change: (group, key) => group.remove(key),
    span: "cache.remove texts",
    request: "DELETE",
  },
  {
    name: "A remove of a key that fits no path",
    key: "k".repeat(9000),
    owner: 1,
    change: (group, key) => group.remove(key),
    span: "cache.remove texts",
    request: "POST",
  },
];

for (const { name, key, owner, change, span, request } of CHANGES) {
  test(`${name} has a span, and one below it of the peer, which is told of that`, async () => {
    await using setup = new Setup();
    const group = setup.groups[0] as Group<string>;
    await setup.get(setup.key(1));
    setup.forget();
    const changed = within("request", () => change(group, setup.key(owner, key)));
    await setup.cluster.clock.until(changed);
    assertEquals(setup.tree, ["request", `  ${span}`, "    cache.peer texts"]);
    const traceparent = traceparentOf(setup.named("cache.peer texts"));
    assertEquals(setup.requests, [{ what: request, traceparent }]);
  });
}

test("A peer that cannot be told of a change is an error of its span, and of the change", async () => {
  await using setup = new Setup();
  setup.cluster.setFault(1, "refuse");
  const removed = within("request", () => setup.groups[0]?.remove(setup.key(0)));
  assertEquals(await setup.failure(setup.cluster.clock.until(removed)), "peer-failed");
  assertEquals(setup.tree, [
    "request",
    "  cache.remove texts failed",
    "    cache.peer texts failed",
  ]);
});

test("A look into the memory of a previous owner has a span below what asks for the load", async () => {
  await using setup = new Setup({ ...ORDINARY, handoffMs: 30_000 });
  const { cluster: { caches, clock, urls }, groups } = setup;
  const [moved, missing] = [setup.key(1, "moved"), setup.key(1, "new")];
  for (const [index, url] of urls.entries()) caches[index]?.setPeers([url]);
  await clock.until(Promise.resolve(groups[0]?.get(moved)));
  for (const cache of caches) cache.setPeers(urls);
  setup.forget();

  await clock.until(within("request", () => groups[1]?.get(moved)));
  assertEquals(setup.tree, ["request", "  cache.get texts", "    cache.peek texts"]);
  const { attributes } = setup.named("cache.peek texts");
  assertEquals([attributes["server.address"], attributes["groupcache.source"]], ["peer-0", "peer"]);
  const traceparent = traceparentOf(setup.named("cache.peek texts"));
  assertEquals(setup.requests, [{ what: "peek", traceparent }]);

  setup.forget();
  await setup.get(missing);
  assertEquals(setup.tree, [
    "request",
    "  cache.get texts",
    "    cache.peer texts",
    "      cache.load texts",
    "        query",
    "      cache.peek texts",
  ]);
  assertEquals(setup.named("cache.peek texts").attributes["groupcache.source"], "notFound");
});

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const REMOTE = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

const OTHER = `00-${"1".repeat(32)}-1111111111111111-01`;

const PARENTS: { name: string; traceparent: string; isBelow: "it" | "the active span" | "none" }[] =
  [
    { name: "of another trace", traceparent: REMOTE, isBelow: "it" },
    {
      name: "without a trace",
      traceparent: `00-${"0".repeat(32)}-1234567890123456-01`,
      isBelow: "none",
    },
    { name: "of another version", traceparent: `ff${REMOTE.slice(2)}`, isBelow: "none" },
    { name: "of two", traceparent: `${REMOTE}, ${OTHER}`, isBelow: "it" },
    { name: "with more behind it", traceparent: `${REMOTE}-1`, isBelow: "none" },
    { name: "with capitals", traceparent: REMOTE.toUpperCase(), isBelow: "none" },
    { name: "that is no traceparent", traceparent: "x".repeat(10_000), isBelow: "none" },
  ];

for (const { name, traceparent, isBelow } of PARENTS) {
  test(`A span below a remote one ${name} belongs to ${isBelow}`, async () => {
    await using setup = new Setup();
    const tracer = openTelemetryTracer({ context, trace });
    await within("server", () => {
      tracer.start({ operation: "load", group: "texts", keys: ["k"], parent: traceparent }).end({});
      return Promise.resolve();
    });
    const parent = setup.named("cache.load texts").parentSpanContext;
    assertEquals(parent?.spanId, isBelow === "it" ? "00f067aa0ba902b7" : undefined);
  });
}

test("A span below a remote one belongs to the active span of the same trace, if there is one", async () => {
  await using setup = new Setup();
  const tracer = openTelemetryTracer({ context, trace });
  const remote = { traceId: TRACE_ID, spanId: "00f067aa0ba902b7", traceFlags: 1, isRemote: true };
  await context.with(
    trace.setSpanContext(context.active(), remote),
    () =>
      within("server", () => {
        tracer.start({ operation: "load", group: "texts", keys: ["k"], parent: REMOTE }).end({});
        return Promise.resolve();
      }),
  );
  assertEquals(setup.tree, ["server", "  cache.load texts"]);
});

test("Tracer.detach() calls its work with no span active", async () => {
  await using _ = new Setup();
  const tracer = openTelemetryTracer({ context, trace });
  await within("request", () => {
    assert(trace.getActiveSpan() !== undefined);
    tracer.detach(() => assertEquals(trace.getActiveSpan(), undefined));
    return Promise.resolve();
  });
});
