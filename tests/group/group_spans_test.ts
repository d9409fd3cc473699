import { assertEquals } from "@std/assert";
import { GroupCache, text, type Tracer } from "../../mod.ts";
import { test } from "../runtime.ts";

function fail(): never {
  throw new Error("no exporter");
}

const TRACERS: Record<string, Tracer> = {
  "cannot start spans": { start: fail, detach: (work) => work() },
  "cannot end spans": {
    start: () => ({ traceparent: undefined, run: (work) => work(), end: fail }),
    detach: (work) => work(),
  },
};

for (const [what, tracer] of Object.entries(TRACERS)) {
  test(`Group.get(), getMany(), set() and remove() are not failed by a tracer that ${what}`, async () => {
    await using cache = new GroupCache({ tracer, log: false });
    const group = cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      load: (key) => key === "missing" ? undefined : `one ${key}`,
      loadMany: (keys) => new Map(keys.map((key) => [key, `many ${key}`])),
    });
    assertEquals(await group.get("a"), "one a");
    assertEquals([...(await group.getMany(["b", "c"])).values()], ["many b", "many c"]);
    assertEquals(await group.get("missing").catch(({ code }) => code), "not-found");
    await group.set("a", "set");
    assertEquals(await group.get("a"), "set");
    await group.remove("a");
    assertEquals(await group.get("a"), "one a");
    // A rejection that nobody handles would fail the test.
    await new Promise((resolve) => setTimeout(resolve));
  });
}

test("A tracer is not asked for spans of what is in memory", async () => {
  const started: string[] = [];
  const tracer: Tracer = {
    start: ({ operation }) => {
      started.push(operation);
      return { traceparent: undefined, run: (work) => work(), end: () => {} };
    },
    detach: (work) => work(),
  };
  await using cache = new GroupCache({ tracer });
  const group = cache.group("texts", { maxBytes: 1 << 20, codec: text, load: (key) => key });
  await group.get("a");
  assertEquals(started, ["get", "load"]);
  await group.get("a");
  await group.getMany(["a"]);
  group.peek("a");
  assertEquals(started, ["get", "load"]);
  await group.getMany(["a", "b", "c"]);
  assertEquals(started, ["get", "load", "getMany", "load", "load"]);
});
