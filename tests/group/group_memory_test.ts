import { assert, assertEquals } from "@std/assert";
import { ByteView } from "../../lib/byte_view.ts";
import { bytes, type Codec, json, protobuf, text, view } from "../../lib/codec.ts";
import { GroupMemory } from "../../lib/group/group_memory.ts";
import { newCounters } from "../../lib/stats.ts";
import { systemClock } from "../../lib/timing/clock.ts";
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

function memoryOf(codec: Codec<unknown>, onRefused = (_key: string, _valueBytes: number) => {}) {
  return new GroupMemory({
    maxBytes: 1 << 20,
    codec,
    mirrorTtlMs: 1000,
    clock: systemClock,
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
