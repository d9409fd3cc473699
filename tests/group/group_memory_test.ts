import { assert, assertEquals } from "@std/assert";
import { ByteView } from "../../lib/byte_view.ts";
import { bytes, type Codec, json, protobuf, text, view } from "../../lib/codec.ts";
import { GroupMemory, MISS } from "../../lib/group/group_memory.ts";
import { newCounters } from "../../lib/stats.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { type Clock, systemClock } from "../../lib/timing/clock.ts";
import { test } from "../runtime.ts";

const CODECS: { name: string; codec: Codec<unknown>; lends: boolean }[] = [
  { name: "view", codec: view as Codec<unknown>, lends: true },
  { name: "bytes", codec: bytes as Codec<unknown>, lends: false },
  { name: "text", codec: text as Codec<unknown>, lends: false },
  { name: "json", codec: json(), lends: false },
  {
    name: "protobuf",
    codec: protobuf({ encode: () => Uint8Array.of(), decode: () => ({}) }) as Codec<unknown>,
    lends: false,
  },
];

function memoryOf(
  codec: Codec<unknown>,
  onRefused = (_key: string, _valueBytes: number) => {},
  clock: Clock = systemClock,
) {
  return new GroupMemory({
    maxBytes: 1 << 20,
    codec,
    mirrorTtlMs: 1000,
    clock,
    counters: newCounters(),
    onRefused,
  });
}

for (const { name, codec, lends } of CODECS) {
  test(`GroupMemory.get() ${lends ? "lends memory to" : "lends no memory for"} ${name} values`, () => {
    const memory = memoryOf(codec);
    for (let i = 0; i < 100; i++) {
      memory.acceptHandoff(`key ${i}`, { view: new ByteView(`"${i}"`), expiresAtMs: Infinity });
      memory.get(`key ${i}`);
      memory.get(`key ${i}`);
    }
    memory.clear();
    const { lentBytes } = memory.stats().main;
    if (lends) assert(lentBytes > 0);
    else assertEquals(lentBytes, 0);
  });
}

test("GroupMemory.keep() tells of a value that is too large to be stored", () => {
  const refused: [key: string, valueBytes: number][] = [];
  const memory = memoryOf(view as Codec<unknown>, (...each) => refused.push(each));
  assert(memory.keep("fits", new Uint8Array(1 << 18), Infinity) !== undefined);
  assertEquals(memory.keep("too large", new Uint8Array((1 << 19) + 1), Infinity), undefined);
  assertEquals(refused, [["too large", (1 << 19) + 1]]);
  assertEquals(memory.stats().main.refused, 1);
});

const encoder = new TextEncoder();

function timedMemory(codec: Codec<unknown> = text as Codec<unknown>) {
  const clock = new VirtualClock();
  return { clock, memory: memoryOf(codec, undefined, clock) };
}

test("GroupMemory.keep() of a value that has ended drops the one before it", () => {
  const { clock, memory } = timedMemory();
  memory.keep("key", encoder.encode("before"), Infinity);
  assertEquals(memory.keep("key", encoder.encode("ended"), clock.now()), undefined);
  assertEquals(memory.get("key"), MISS);
});

test("GroupMemory.keep() drops the mirror of a key, which is older", async () => {
  const { clock, memory } = timedMemory();
  memory.mirror("key", { view: new ByteView("mirror"), expiresAtMs: Infinity });
  memory.keep("key", encoder.encode("kept"), clock.now() + 100);
  assertEquals(memory.get("key"), "kept");
  await clock.advance(100);
  assertEquals(memory.get("key"), MISS);
});

test("GroupMemory.acceptHandoff() takes neither a value that has ended nor one of a key that is held", () => {
  const { clock, memory } = timedMemory();
  const ended = { view: new ByteView("ended"), expiresAtMs: clock.now() };
  assert(!memory.acceptHandoff("key", ended));
  memory.keep("key", encoder.encode("held"), Infinity);
  assert(!memory.acceptHandoff("key", { view: new ByteView("other"), expiresAtMs: Infinity }));
  assertEquals(memory.get("key"), "held");
});

test("GroupMemory.clear() drops mirrors too", () => {
  const { memory } = timedMemory();
  memory.mirror("key", { view: new ByteView("mirror"), expiresAtMs: Infinity });
  memory.clear();
  assertEquals(memory.get("key"), MISS);
});

test("GroupMemory takes no more than maxBytes after clear(), mirrors included", () => {
  const memory = new GroupMemory({
    maxBytes: 64 << 10,
    codec: text,
    mirrorTtlMs: 1000,
    clock: systemClock,
    counters: newCounters(),
  });
  memory.mirror("key", { view: new ByteView("mirror"), expiresAtMs: Infinity });
  memory.clear();
  for (let i = 0; i < 3000; i++) {
    memory.keep(`key ${i % 20}`, new Uint8Array(i * 7919 % 3000), Infinity);
    if (i % 3 === 0) memory.get(`key ${i % 7}`);
    const { main, hot, maxBytes } = memory.stats();
    assert(main.bytes + hot.bytes <= maxBytes, `${main.bytes} + ${hot.bytes} of ${maxBytes}`);
  }
});

test("GroupMemory keeps no decoded value whose decoding replaced the bytes", () => {
  let replace = () => {};
  const codec = {
    ...json(),
    decode: (view: ByteView) => {
      const value = view.json();
      replace();
      return value;
    },
  };
  const { memory } = timedMemory(codec);
  memory.keep("key", encoder.encode('"old"'), Infinity);
  replace = () => void memory.keep("key", encoder.encode('"new"'), Infinity);
  assertEquals(memory.get("key"), "old");
  replace = () => {};
  assertEquals(memory.get("key"), "new");
});
