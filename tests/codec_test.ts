import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { MessageType } from "@protobuf-ts/runtime";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import protobufjs from "protobufjs";
import { ByteView, type ByteViewInit } from "../lib/byte_view.ts";
import { bytes, type Codec, json, protobuf, text, view } from "../lib/codec.ts";
import type { Group } from "../lib/group_api.ts";
import { GroupCache } from "../lib/group_cache.ts";
import { failureOf } from "./failures.ts";
import { anyCharacter } from "./any_character.ts";
import { test } from "./runtime.ts";

/** What `value` comes back as. */
function roundTrip<T, Input>(codec: Codec<T, Input>, value: Input): T {
  return codec.decode(new ByteView(codec.encode(value)));
}

/** A group of one process, whose loader gives each key `value`. */
function groupOf<T, Input>(
  codec: Codec<T, Input>,
  value: (key: string) => Input,
  options: { maxBytes?: number; ttlMs?: () => number } = {},
): Group<T, Input> {
  return new GroupCache().group("values", { maxBytes: 1 << 20, ...options, codec, load: value });
}

/** A codec that counts how often it decodes. */
function counted<T, Input>(codec: Codec<T, Input>): Codec<T, Input> & { decodes: number } {
  return {
    ...codec,
    decodes: 0,
    decode(view) {
      this.decodes++;
      return codec.decode(view);
    },
  };
}

// ----------------------------------------------------------------------------- ByteView, bytes

const INITS: { name: string; init: ByteViewInit }[] = [
  { name: "a view", init: new ByteView("hello") },
  { name: "a Uint8Array", init: new TextEncoder().encode("hello") },
  { name: "an ArrayBuffer", init: new TextEncoder().encode("hello").buffer },
  { name: "a string", init: "hello" },
];

for (const { name, init } of INITS) {
  test(`A group without a codec takes ${name}`, async () => {
    const group = new GroupCache().group("views", { maxBytes: 1 << 20, load: () => init });
    assertEquals((await group.get("key")).text(), "hello");
    assertEquals((await group.get("key")).text(), "hello");
  });
}

const LIFETIMES = [
  { name: "kept", ttlMs: () => Infinity },
  { name: "not kept", ttlMs: () => 0 },
];

for (const { name, ttlMs } of LIFETIMES) {
  test(`A Buffer that a loader returns is copied, even if its value is ${name}`, async () => {
    // Buffer.prototype.slice copies nothing, unlike that of other Uint8Arrays.
    const buffer = Buffer.from("hello");
    const group = groupOf(view, () => buffer, { ttlMs });
    const value = await group.get("key");
    buffer.fill(0);
    assertEquals(value.text(), "hello");
    value.bytes().fill(0);
    assertEquals(value.text(), "hello");
  });
}

test("bytes returns a separate copy to each caller", async () => {
  const group = groupOf(bytes, () => Uint8Array.of(1, 2, 3));
  const together = await Promise.all([group.get("key"), group.get("key")]);
  const later = await group.get("key");
  for (const value of [...together, later]) value.fill(0);
  assertEquals(await group.get("key"), Uint8Array.of(1, 2, 3));
});

const NO_BYTES: { name: string; value: unknown; received: string }[] = [
  { name: "a string", value: "hello", received: "received string" },
  { name: "null", value: null, received: "received null" },
  { name: "an array", value: [1, 2], received: "received an array" },
  { name: "an ArrayBuffer", value: new ArrayBuffer(2), received: "received object" },
];

for (const { name, value, received } of NO_BYTES) {
  test(`bytes refuses ${name}`, () => {
    assertThrows(() => bytes.encode(value as Uint8Array), TypeError, received);
  });
}

// ---------------------------------------------------------------------------------------- text

test("text returns any well-formed string unchanged, including a byte order mark", () => {
  assertEquals(roundTrip(text, "\ufeffa"), "\ufeffa");
  fc.assert(fc.property(fc.string({ unit: anyCharacter }), (value) => {
    assertEquals(roundTrip(text, value), value);
  }));
});

test("text refuses lone surrogates, which would change in transit", () => {
  assertThrows(() => text.encode("a\ud800"), TypeError, "lone surrogate");
});

test("text refuses anything but strings", () => {
  assertThrows(() => text.encode(42 as unknown as string), TypeError, "received number");
});

// ---------------------------------------------------------------------------------------- json

test("json() returns any JSON value unchanged", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assertEquals(roundTrip(json(), value), JSON.parse(JSON.stringify(value)));
  }));
});

test("json() returns null, which is a value", async () => {
  const group = groupOf(json<null>(), () => null);
  assertEquals(await group.get("key"), null);
  assertEquals(await group.get("key"), null);
  assertEquals(group.stats().hits, 1);
});

test("json() accepts text with lone surrogates, which JSON escapes", () => {
  assertEquals(roundTrip(json<string>(), "a\ud800"), "a\ud800");
});

test("json() returns deep-frozen values", () => {
  const deepFrozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null ||
    (Object.isFrozen(value) &&
      Reflect.ownKeys(value).every((key) => deepFrozen(Reflect.get(value, key))));
  assert(deepFrozen(roundTrip(json(), { a: [{ b: {} }, []], c: { d: [[1]] } })));
  assert(deepFrozen(roundTrip(json(), JSON.parse('{"__proto__":{"a":[1]}}'))));
  fc.assert(fc.property(fc.jsonValue(), (value) => assert(deepFrozen(roundTrip(json(), value)))));
});

test("json() leaves the value that the loader returned as it was", async () => {
  const value = { names: ["Ada"] };
  const got = await groupOf(json<typeof value>(), () => value).get("key");
  assertNotStrictEquals(got, value);
  value.names.push("Bob");
  assertEquals(got, { names: ["Ada"] });
});

const NO_JSON: { name: string; value: unknown }[] = [
  { name: "a function", value: () => {} },
  { name: "a symbol", value: Symbol("s") },
  { name: "a BigInt", value: { n: 1n } },
  { name: "a value that holds itself", value: cyclic() },
];

for (const { name, value } of NO_JSON) {
  test(`A get of ${name} as JSON fails with code load-failed`, async () => {
    const error = await failureOf(groupOf(json(), () => value).get("key"));
    assertEquals(error.code, "load-failed");
    assertInstanceOf(error.cause, TypeError);
  });
}

function cyclic(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

// ------------------------------------------------------------------------- what is kept decoded

test("A JSON value is parsed once for all callers of its load, and they share it", async () => {
  const codec = counted(json<{ name: string }>());
  const group = groupOf(codec, () => ({ name: "Ada" }));
  const values = await Promise.all(Array.from({ length: 50 }, () => group.get("key")));
  assertEquals(codec.decodes, 1);
  for (const value of values) assertStrictEquals(value, values[0]);
});

test("A JSON value that is hit again stays parsed, and later callers share it", async () => {
  const codec = counted(json<{ name: string }>());
  const group = groupOf(codec, () => ({ name: "Ada" }));
  await group.get("key");
  const first = await group.get("key");
  const { decodes } = codec;
  for (let hits = 0; hits < 50; hits++) assertStrictEquals(await group.get("key"), first);
  assertStrictEquals(group.peek("key"), first);
  assertEquals(codec.decodes, decodes);
  assertEquals(group.stats().hits, 51);
});

test("A value that was set or removed is not served from a cached decoded value", async () => {
  const group = groupOf(json<{ version: number }>(), () => ({ version: 1 }));
  await group.get("key");
  await group.get("key");
  await group.set("key", { version: 2 });
  assertEquals(await group.get("key"), { version: 2 });
  await group.remove("key");
  assertEquals(await group.get("key"), { version: 1 });
});

test("A codec without decodedBytes decodes for each caller", async () => {
  const { encode, decode } = json<{ name: string }>();
  const codec = counted({ encode, decode });
  const group = groupOf(codec, () => ({ name: "Ada" }));
  const values = await Promise.all([group.get("key"), group.get("key")]);
  values.push(await group.get("key"), await group.get("key"));
  assertEquals(codec.decodes, 4);
  assertEquals(new Set(values).size, 4);
});

test("Cached decoded values count towards maxBytes", async () => {
  const group = groupOf(
    { ...json<{ name: string }>(), decodedBytes: () => 50_000 },
    () => ({ name: "Ada" }),
  );
  await group.get("key");
  const before = group.stats().main.bytes;
  await group.get("key");
  await group.get("key");
  const kept = group.stats().main.bytes - before;
  assert(kept >= 50_000 && kept < 100_000, `${kept} bytes`);
  await group.remove("key");
  assert(group.stats().main.bytes <= before);
});

test("A group never exceeds maxBytes, however many decoded values it caches", async () => {
  const maxBytes = 1 << 20;
  const group = groupOf(json<string[]>(), (key) => new Array(50).fill(`${key} is a value`), {
    maxBytes,
  });
  for (let index = 0; index < 1000; index++) {
    const key = `key:${index}`;
    for (let hits = 0; hits < 3; hits++) await group.get(key);
    const { main, hot } = group.stats();
    assert(main.bytes + hot.bytes <= maxBytes, `${main.bytes + hot.bytes} bytes at ${key}`);
  }
  assert(group.stats().main.evictions > 0);
});

const TAKEN: { name: string; value: unknown; atLeast: number }[] = [
  // What V8 and JavaScriptCore hold of such a value, less what they share with others.
  { name: "a string by its characters", value: "k".repeat(1000), atLeast: 1000 },
  { name: "an array by its elements", value: new Array(1000).fill(0.5), atLeast: 8000 },
  { name: "an object by its members", value: { a: 0.5, b: 0.5 }, atLeast: 112 },
  { name: "what is nested", value: [["k".repeat(1000)], { a: "k".repeat(1000) }], atLeast: 2000 },
  {
    name: "the keys of an object that is used as a map",
    value: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${i}`.padEnd(36, "-"), i])),
    atLeast: 23_000,
  },
  {
    name: "the names of an object's few members if they are its own",
    value: { "an identifier 1": 1, "an identifier 2": 2 },
    atLeast: 700,
  },
];

for (const { name, value, atLeast } of TAKEN) {
  test(`json() counts ${name}`, () => {
    const taken = json().decodedBytes?.(value) ?? 0;
    assert(taken >= atLeast && taken < 10 * atLeast, `${taken} bytes`);
  });
}

test("json() counts member names once that values share", () => {
  const codec = json<Record<string, number>>();
  const first = codec.decodedBytes?.({ name: 1, mail: 2 }) ?? 0;
  const second = codec.decodedBytes?.({ name: 3, mail: 4 }) ?? 0;
  assert(second < 150 && first > 4 * second, `${first}, then ${second} bytes`);
  for (let i = 0; i < 10_000; i++) codec.decodedBytes?.({ [`name ${i}`]: i });
  assertEquals(codec.decodedBytes?.({ name: 1, mail: 2 }), first);
});

// ------------------------------------------------------------------------------------ protobuf

interface Picture {
  name: string;
  width: number;
  pixels: Uint8Array;
}

const ADA: Picture = { name: "Ada", width: 300, pixels: Uint8Array.of(1, 2, 3) };

const PROTO = `
  syntax = "proto3";
  message Picture {
    string name = 1;
    uint32 width = 2;
    bytes pixels = 3;
  }
`;

/** `encode` gives a writer, which finishes into a Buffer. */
const protobufJs = protobufjs.parse(PROTO).root.lookupType("Picture");

/** As `protoc-gen-ts` generates it. */
const protobufTs = new MessageType<Picture>("Picture", [
  { no: 1, name: "name", kind: "scalar", T: 9 },
  { no: 2, name: "width", kind: "scalar", T: 13 },
  { no: 3, name: "pixels", kind: "scalar", T: 12 },
]);

const LIBRARIES: { name: string; codec: () => Codec<Picture> }[] = [
  {
    name: "protobuf.js",
    codec: () => protobuf(protobufJs) as unknown as Codec<Picture>,
  },
  {
    name: "protobuf-ts",
    codec: () => protobuf(protobufTs),
  },
  {
    name: "two functions that return bytes",
    codec: () =>
      protobuf({
        encode: (picture: Picture) => protobufTs.toBinary(picture),
        decode: (bytes) => protobufTs.fromBinary(bytes),
      }),
  },
];

for (const { name, codec } of LIBRARIES) {
  test(`protobuf() of ${name} carries messages`, async () => {
    const group = groupOf(codec(), () => ADA);
    const pictures = [await group.get("ada"), await group.get("ada")];
    for (const { name, width, pixels } of pictures) {
      assertEquals({ name, width, pixels: Uint8Array.from(pixels) }, ADA);
    }
  });

  test(`protobuf() of ${name} writes messages that the other libraries read`, () => {
    const encoded = new ByteView(codec().encode(ADA));
    for (const other of LIBRARIES) {
      const { name, width, pixels } = other.codec().decode(encoded);
      assertEquals({ name, width, pixels: Uint8Array.from(pixels) }, ADA);
    }
  });

  test(`protobuf() of ${name} returns a separate message to each caller`, async () => {
    const group = groupOf(codec(), () => ADA);
    for (let gets = 0; gets < 3; gets++) {
      const picture = await group.get("ada");
      assertEquals(picture.name, "Ada");
      assertEquals(picture.pixels[0], 1);
      picture.name = "Bob";
      picture.pixels[0] = 9;
    }
  });

  test(`protobuf() of ${name} fails with code load-failed if the bytes are not a message`, async () => {
    const { decode } = codec();
    const group = groupOf<Picture, string>(
      { encode: () => Uint8Array.of(10, 200), decode },
      () => "noise",
    );
    assertEquals((await failureOf(group.get("ada"))).code, "load-failed");
  });
}

const NO_TYPES: { name: string; type: unknown }[] = [
  { name: "an empty object", type: {} },
  { name: "half of a type", type: { encode: () => new Uint8Array() } },
  { name: "half of each", type: { encode: () => new Uint8Array(), fromBinary: () => ({}) } },
  { name: "nothing", type: undefined },
  { name: "null", type: null },
  { name: "the name of a type", type: "Picture" },
];

for (const { name, type } of NO_TYPES) {
  test(`protobuf() refuses ${name}`, () => {
    assertThrows(
      () => protobuf(type as Parameters<typeof protobuf>[0]),
      TypeError,
      "type must have encode and decode, or toBinary and fromBinary",
    );
  });
}

// --------------------------------------------------------------------------- codecs of the user

test("A codec that cannot encode makes the get fail with code load-failed", async () => {
  const codec: Codec<string> = {
    ...text,
    encode: () => {
      throw new Error("too odd");
    },
  };
  const error = await failureOf(groupOf(codec, () => "value").get("key"));
  assertEquals(error.code, "load-failed");
  assert(error.message.includes("too odd"));
});

test("A codec that does not encode to bytes makes the get fail with code load-failed", async () => {
  const codec = { ...text, encode: () => "text" as unknown as Uint8Array };
  const error = await failureOf(groupOf(codec, () => "value").get("key"));
  assertEquals(error.code, "load-failed");
  assert(error.message.includes("must return a ByteView or Uint8Array"));
});

test("A codec that cannot decode makes every get fail with code load-failed", async () => {
  const codec: Codec<string> = {
    ...text,
    decode: () => {
      throw new Error("too odd");
    },
  };
  const group = groupOf(codec, () => "value");
  for (const when of ["load", "hit", "hit"]) {
    const error = await failureOf(group.get("key"));
    assertEquals(error.code, "load-failed", when);
    assert(error.message.includes("too odd"));
  }
});

test("A set that the codec refuses rejects with the error of the codec", async () => {
  const group = groupOf(text, () => "value");
  await assertRejects(() => group.set("key", 42 as unknown as string), TypeError, "a string");
  assertEquals(await group.get("key"), "value");
});
