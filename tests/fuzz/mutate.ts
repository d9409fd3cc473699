import type { Random } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes at which decoders tend to go wrong. */
const ODD_BYTES = [0, 1, 7, 8, 10, 0x7f, 0x80, 0xc0, 0xed, 0xf4, 0xfe, 0xff];

/** Varints at which decoders tend to go wrong: lengths that are not there, 2^32, 2^53, 2^64. */
const ODD_VARINTS: readonly (readonly number[])[] = [
  [0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  new Array<number>(12).fill(0x80),
];

/** Pieces of text at which parsers tend to go wrong. */
const ODD_TEXTS = [
  ..."/?#%+&=:@\\.\0\r\n\t \"'{}[]<>é😀\ufeff\u202e",
  "..",
  "%2e",
  "%2F",
  "%00",
  "%zz",
  "%e9",
  "%ED%A0%80",
  "//",
  "__proto__",
  "constructor",
  "null",
  "-1",
  "1e999",
  "9007199254740993",
  "\ud800",
  "a".repeat(5000),
];

/** Changes bytes in a few places, or not at all. */
export function mutateBytes(bytes: Bytes, random: Random): Bytes {
  let mutated = bytes;
  for (let times = random.small(6); times > 0; times--) {
    const at = random.below(mutated.length + 1);
    const length = Math.min(random.small(16), mutated.length - at);
    const start = random.below(mutated.length + 1);
    const replacement = random.pick<() => ArrayLike<number>>([
      () => [],
      () => [random.pick(ODD_BYTES)],
      () => [(mutated[at] ?? 0) ^ 1 << random.below(8)],
      () => random.pick(ODD_VARINTS),
      () => random.bytes(random.small(20)),
      () => mutated.subarray(start, start + random.small(200)),
    ])();
    mutated = splice(mutated, at, length, replacement);
  }
  return random.oneIn(8) ? mutated.slice(0, random.below(mutated.length + 1)) : mutated;
}

function splice(bytes: Bytes, at: number, length: number, inserted: ArrayLike<number>): Bytes {
  const spliced = new Uint8Array(bytes.length - length + inserted.length);
  spliced.set(bytes.subarray(0, at));
  spliced.set(inserted, at);
  spliced.set(bytes.subarray(at + length), at + inserted.length);
  return spliced;
}

/** Changes text in a few places, or not at all. */
export function mutateText(text: string, random: Random): string {
  for (let times = random.small(4); times > 0; times--) {
    const at = random.below(text.length + 1);
    const rest = at + random.small(Math.min(8, text.length - at + 1));
    const replacement = random.oneIn(4) ? "" : random.pick(ODD_TEXTS);
    text = text.slice(0, at) + replacement + text.slice(rest);
  }
  return random.oneIn(8) ? text.slice(0, random.below(text.length + 1)) : text;
}

/** Changes a value of JSON in a few places: members removed, replaced, repeated or nested. */
export function mutateJson(value: unknown, random: Random): unknown {
  if (random.oneIn(12)) return random.pick<unknown>([null, 0, -1, 1e999, "", [], {}, true, "a b"]);
  if (typeof value === "string") return random.oneIn(4) ? mutateText(value, random) : value;
  if (Array.isArray(value)) {
    const items = value.map((item) => mutateJson(item, random));
    if (random.oneIn(6)) items.splice(random.below(items.length + 1), random.below(2), items[0]);
    return items;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(() => !random.oneIn(12));
    return Object.fromEntries(members.map(([name, item]) => [name, mutateJson(item, random)]));
  }
  return value;
}

/** Cuts bytes into chunks: one, single bytes, or pieces of odd sizes, empty ones among them. */
export function cut(bytes: Bytes, random: Random): Bytes[] {
  // Not in too many pieces: a case should take no longer than a millisecond or so.
  const size = Math.max(random.pick([1, 1, 7, 64, 1000, Infinity]), bytes.byteLength >> 10);
  if (size >= bytes.byteLength) return [bytes];
  const chunks: Bytes[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    const end = start + (size === 1 ? 1 : random.below(size + 1));
    // A view of a larger buffer, as runtimes hand them out.
    chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}

/** A stream of the chunks that `cut` returns. */
export function cutStream(bytes: Bytes, random: Random): ReadableStream<Bytes> {
  const chunks = cut(bytes, random);
  let index = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks[index++];
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}
