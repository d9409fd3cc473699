import { assertEquals } from "@std/assert";
import {
  countUse,
  decodedIdOf,
  type EntryHeader,
  entryWords,
  expiresAtMsOf,
  hasDecodedId,
  hashOf,
  isAlive,
  isDead,
  keyBytesOf,
  keyStartOf,
  markDead,
  MAX_USES,
  setDecodedId,
  setUses,
  usesOf,
  valueBytesOf,
  valueStartOf,
  wordsOf,
  writeHeader,
} from "../../lib/store/entry.ts";
import { test } from "../runtime.ts";

const AT = 3;

/** All headers around the lengths at which the layout changes, with and without what is optional. */
function* headers(): Generator<EntryHeader> {
  for (const keyBytes of [1, 4, 1023, 1024, 65_535, 65_536]) {
    for (const valueBytes of [0, 1, 65_535, 65_536, 2 ** 32 - 2 ** 20]) {
      for (const expiresAtMs of [Infinity, 1_800_000_000_000.5]) {
        for (const hasDecodedId of [false, true]) {
          for (const uses of [0, MAX_USES]) {
            yield { hash: -5, keyBytes, valueBytes, expiresAtMs, uses, hasDecodedId };
          }
        }
      }
    }
  }
}

test("An entry's header reads as it was written, whatever its lengths and whatever becomes of it", () => {
  for (const header of headers()) {
    const words = new Int32Array(16).fill(-1);
    const keyStart = writeHeader(words, AT, header);
    const check = (expected: { uses: number; id: number; isDead: boolean }) => {
      assertEquals({
        hash: hashOf(words, AT),
        keyBytes: keyBytesOf(words, AT),
        valueBytes: valueBytesOf(words, AT),
        expiresAtMs: expiresAtMsOf(words, AT),
        hasDecodedId: hasDecodedId(words, AT),
        uses: usesOf(words, AT),
        id: decodedIdOf(words, AT),
        isDead: isDead(words, AT),
      }, { ...header, ...expected });
      assertEquals(keyStartOf(words, AT), keyStart);
      assertEquals(valueStartOf(words, AT), keyStart + Math.ceil(header.keyBytes / 4));
      assertEquals(wordsOf(words, AT), entryWords(header));
      assertEquals(isAlive(words, AT, 1_800_000_000_000), true);
      assertEquals(isAlive(words, AT, 1_800_000_000_001), header.expiresAtMs === Infinity);
    };
    check({ uses: header.uses, id: 0, isDead: false });
    countUse(words, AT);
    const uses = Math.min(header.uses + 1, MAX_USES);
    check({ uses, id: 0, isDead: false });
    if (header.hasDecodedId) setDecodedId(words, AT, 7);
    const id = header.hasDecodedId ? 7 : 0;
    setUses(words, AT, 2);
    check({ uses: 2, id, isDead: false });
    markDead(words, AT);
    check({ uses: 2, id, isDead: true });
    assertEquals(words.subarray(0, AT), new Int32Array(AT).fill(-1));
  }
});

test("entryWords() takes a word less of an entry whose key and value are short", () => {
  const header = { expiresAtMs: Infinity, hasDecodedId: false };
  const beyond = (keyBytes: number, valueBytes: number) =>
    entryWords({ ...header, keyBytes, valueBytes }) - (keyBytes + valueBytes) / 4;
  assertEquals(beyond(1020, 65_532), 2);
  assertEquals(beyond(1024, 4), 3);
  assertEquals(beyond(4, 65_536), 3);
});
