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

for (const { name, codec, lends } of CODECS) {
  test(`GroupMemory.get() ${lends ? "lends memory to" : "lends no memory for"} ${name} values`, () => {
    const memory = new GroupMemory({
      maxBytes: 1 << 20,
      codec,
      mirrorTtlMs: 1000,
      clock: systemClock,
      counters: newCounters(),
    });
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
