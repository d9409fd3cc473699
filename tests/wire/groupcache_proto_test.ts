import { assertEquals, assertThrows, equal } from "@std/assert";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import protobufjs from "protobufjs";
import { decodeGetKeysRequest, encodeGetKeysRequest } from "../../lib/wire/get_keys_request.ts";
import {
  decodeGetResponse,
  encodeGetResponse,
  encodeGetResponses,
  encodeValueHead,
  type GetResponse,
  readIndex,
  readSize,
} from "../../lib/wire/get_response.ts";
import { decodeSetRequest, encodeSetRequest, type SetRequest } from "../../lib/wire/set_request.ts";
import { traceparentAt, tracesOf } from "../../lib/wire/key_traces.ts";
import { FrameDecoder } from "../../lib/wire/frames.ts";
import { anyCharacter } from "../any_character.ts";
import { test } from "../runtime.ts";

type Bytes = Uint8Array<ArrayBuffer>;

// The .proto file is the documentation of the format; here a real library reads it.
const proto = readFileSync(new URL("../../lib/wire/groupcache.proto", import.meta.url), "utf8");
const { root } = protobufjs.parse(proto, { keepCase: true });

/** What protobuf.js makes of a message's members, in its own order. */
function write(type: string, members: Record<string, unknown>): Bytes {
  const message = root.lookupType(type);
  return Uint8Array.from(message.encode(message.fromObject(members)).finish());
}

/** What protobuf.js reads: the members that are there. Numbers of 64 bits come as text. */
function read(type: string, bytes: Bytes): Record<string, unknown> {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: String });
}

/** An object without the members that are undefined. */
function present<T extends object>(members: T): T {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as T;
}

const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));
const anyText = fc.string({ unit: anyCharacter, maxLength: 40 });
/** Up to the year 2262, from where nanoseconds do not fit into 64 bits. */
const anyEndMs = fc.integer({ min: 1, max: 9_223_372_036_854 });

interface Response {
  value: Bytes | undefined;
  minuteQps: number | undefined;
  expiresAtMs: number | undefined;
  index: number | undefined;
  error: string | undefined;
  message: string | undefined;
  details: string | undefined;
  pending: boolean | undefined;
}

const anyResponse: fc.Arbitrary<Response> = fc.record({
  value: fc.option(anyBytes, { nil: undefined }),
  minuteQps: fc.option(fc.double(), { nil: undefined }),
  expiresAtMs: fc.option(anyEndMs, { nil: undefined }),
  index: fc.option(fc.nat({ max: 2 ** 32 - 1 }), { nil: undefined }),
  error: fc.option(anyText, { nil: undefined }),
  message: fc.option(anyText, { nil: undefined }),
  details: fc.option(anyText, { nil: undefined }),
  pending: fc.option(fc.boolean(), { nil: undefined }),
});

/** The members as the .proto file names them. */
function protoOf({ minuteQps, expiresAtMs, ...same }: Response): Record<string, unknown> {
  return present({
    ...same,
    minute_qps: minuteQps,
    expire: expiresAtMs === undefined ? undefined : `${expiresAtMs}000000`,
  });
}

/** Bytes in one type: protobuf.js gives Buffers where there are some. */
function plain(members: Record<string, unknown>): Record<string, unknown> {
  const { value } = members;
  return value instanceof Uint8Array ? { ...members, value: Uint8Array.from(value) } : members;
}

test("encodeGetResponse() writes messages that protobuf.js reads", () => {
  fc.assert(fc.property(anyResponse, (response) => {
    const bytes = encodeGetResponse(present(response) as GetResponse);
    assertEquals(plain(read("GetResponse", bytes)), protoOf(response));
  }));
});

test("encodeGetResponses() writes each message after its length", () => {
  fc.assert(fc.property(fc.array(anyResponse, { maxLength: 5 }), (responses) => {
    const stream = encodeGetResponses(
      responses.map((response) => present(response) as GetResponse),
    );
    const reader = protobufjs.Reader.create(stream);
    for (const response of responses) {
      const message = Uint8Array.from(reader.bytes());
      assertEquals(plain(read("GetResponse", message)), protoOf(response));
    }
    assertEquals(reader.pos, reader.len);
    assertEquals(new FrameDecoder().push(stream).map(decodeGetResponse), responses.map(present));
  }));
});

test("decodeGetResponse() reads messages that protobuf.js writes", () => {
  fc.assert(fc.property(anyResponse, (response) => {
    const bytes = write("GetResponse", protoOf(response));
    assertEquals(decodeGetResponse(bytes), present(response));
  }));
});

const anySet: fc.Arbitrary<SetRequest> = fc.record({
  group: anyText,
  key: anyText,
  value: anyBytes,
  expiresAtMs: fc.oneof(anyEndMs, fc.constant(Infinity)),
});

function setProtoOf({ expiresAtMs, ...same }: SetRequest): Record<string, unknown> {
  return expiresAtMs === Infinity ? same : { ...same, expire: `${expiresAtMs}000000` };
}

test("encodeSetRequest() writes messages that protobuf.js reads", () => {
  fc.assert(fc.property(anySet, (request) => {
    assertEquals(plain(read("SetRequest", encodeSetRequest(request))), setProtoOf(request));
  }));
});

test("decodeSetRequest() reads messages that protobuf.js writes", () => {
  fc.assert(fc.property(anySet, (request) => {
    assertEquals(decodeSetRequest(write("SetRequest", setProtoOf(request))), request);
  }));
});

test("decodeSetRequest() treats fields that a Go peer omits as empty, and as no expiry", () => {
  const nothing = { group: "", key: "", value: new Uint8Array(), expiresAtMs: Infinity };
  assertEquals(decodeSetRequest(new Uint8Array()), nothing);
  assertEquals(decodeSetRequest(write("SetRequest", { expire: 0 })), nothing);
});

test("encodeGetKeysRequest() writes messages that protobuf.js reads, in the same order", () => {
  fc.assert(fc.property(fc.array(anyText), (key) => {
    const message = read("GetKeysRequest", encodeGetKeysRequest(key));
    assertEquals(message["key"] ?? [], key);
  }));
});

test("decodeGetKeysRequest() reads messages that protobuf.js writes, in the same order", () => {
  fc.assert(fc.property(fc.array(anyText), (key) => {
    assertEquals(decodeGetKeysRequest(write("GetKeysRequest", { key })).keys, key);
  }));
});

test("A GetKeysRequest gives each key the trace that was written for it", () => {
  const anyCall = fc.record({
    key: anyText,
    traceparent: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
  });
  fc.assert(fc.property(fc.array(anyCall), (calls) => {
    const bytes = encodeGetKeysRequest(calls.map(({ key }) => key), tracesOf(calls));
    const { keys, traces } = decodeGetKeysRequest(bytes);
    assertEquals(
      keys.map((key, index) => ({ key, traceparent: traceparentAt(traces, index) })),
      calls,
    );
  }));
});

const ENDS: { name: string; sentMs: number; receivedMs: number }[] = [
  { name: "the present", sentMs: 1_700_000_000_123, receivedMs: 1_700_000_000_123 },
  { name: "a fraction", sentMs: 1_700_000_000_123.5, receivedMs: 1_700_000_000_123.5 },
  { name: "the distant past", sentMs: 0.001, receivedMs: 0.001 },
  { name: "0, which would say never", sentMs: 0, receivedMs: 0.001 },
  { name: "before 1970", sentMs: -5, receivedMs: 0.001 },
  { name: "the last that fits", sentMs: 9_223_372_036_854, receivedMs: 9_223_372_036_854 },
  { name: "the first that does not fit", sentMs: 2 ** 63 / 1e6, receivedMs: Infinity },
  { name: "as far as integers go", sentMs: Number.MAX_SAFE_INTEGER, receivedMs: Infinity },
  { name: "as far as numbers go", sentMs: Number.MAX_VALUE, receivedMs: Infinity },
  { name: "never", sentMs: Infinity, receivedMs: Infinity },
];

for (const { name, sentMs, receivedMs } of ENDS) {
  test(`encodeGetResponse() and encodeSetRequest() transmit an expiry at ${name}`, () => {
    const value = new Uint8Array();
    const response = decodeGetResponse(encodeGetResponse({ value, expiresAtMs: sentMs }));
    assertEquals(response.expiresAtMs ?? Infinity, receivedMs);
    const request = encodeSetRequest({ group: "g", key: "k", value, expiresAtMs: sentMs });
    assertEquals(decodeSetRequest(request).expiresAtMs, receivedMs);
  });
}

test("decodeGetResponse() treats an expiry of 0 as never, as Go peers do", () => {
  assertEquals(decodeGetResponse(write("GetResponse", { expire: 0 })).expiresAtMs, Infinity);
});

test("decodeGetResponse() treats an expiry before 1970 as past", () => {
  const { expiresAtMs } = decodeGetResponse(write("GetResponse", { expire: "-1000000" }));
  assertEquals(expiresAtMs, -1);
});

test("decodeGetResponse() and decodeSetRequest() return views of the message, not copies", () => {
  const response = write("GetResponse", { value: Uint8Array.of(1, 2) });
  assertEquals(decodeGetResponse(response).value?.buffer, response.buffer);
  const request = write("SetRequest", { value: Uint8Array.of(1, 2) });
  assertEquals(decodeSetRequest(request).value.buffer, request.buffer);
});

test("decodeGetResponse() merges concatenated messages", () => {
  const pending = encodeGetResponse({ pending: true });
  const value = encodeGetResponse({ value: Uint8Array.of(7) });
  assertEquals(decodeGetResponse(Uint8Array.from([...pending, ...pending, ...value])), {
    pending: true,
    value: Uint8Array.of(7),
  });
});

/** As messages of a later version might be: our fields, and others in every layout. */
const LATER = protobufjs.parse(`
  syntax = "proto2";
  message GetResponse {
    optional string a = 50;
    optional bytes value = 1;
    optional fixed64 b = 51;
    optional fixed32 c = 52;
    optional int64 d = 53;
    optional uint32 index = 101;
    optional uint64 e = 536870911;
  }
  message SetRequest {
    optional string a = 50;
    optional string group = 1;
    optional string key = 2;
    optional bytes value = 3;
    optional float b = 99;
  }
  message GetKeysRequest {
    optional string a = 50;
    repeated string key = 1;
    optional sint64 b = 51;
  }
`).root;

function writeLater(type: string, members: Record<string, unknown>): Bytes {
  return Uint8Array.from(LATER.lookupType(type).encode(members).finish());
}

test("All messages may contain unknown fields", () => {
  const value = Uint8Array.of(1, 2, 3);
  const unknown = { a: "x", b: 1, c: 2, d: -3, e: 4 };
  assertEquals(
    decodeGetResponse(writeLater("GetResponse", { ...unknown, value, index: 5 })),
    { value, index: 5 },
  );
  assertEquals(
    decodeSetRequest(writeLater("SetRequest", { ...unknown, group: "g", key: "k", value })),
    { group: "g", key: "k", value, expiresAtMs: Infinity },
  );
  const request = writeLater("GetKeysRequest", { ...unknown, key: ["k"] });
  assertEquals(decodeGetKeysRequest(request).keys, ["k"]);
});

test("A known field with an unknown wire type is skipped", () => {
  const { root } = protobufjs.parse(`
    syntax = "proto2";
    message Odd { optional uint32 value = 1; optional string expire = 3; optional bytes index = 101; }
  `);
  const bytes = root.lookupType("Odd").encode({
    value: 5,
    expire: "soon",
    index: Uint8Array.of(1),
  }).finish();
  assertEquals(decodeGetResponse(Uint8Array.from(bytes)), {});
});

test("A truncated reply never contains a value", () => {
  const reply = encodeGetResponse({
    pending: true,
    index: 300,
    value: Uint8Array.of(1, 2, 3),
    expiresAtMs: 1_700_000_000_000,
    minuteQps: 2,
  });
  for (let length = 0; length < reply.byteLength; length++) {
    assertEquals(tryTo(() => decodeGetResponse(reply.slice(0, length)))?.value, undefined);
  }
});

interface TruncationCase {
  name: string;
  whole: Bytes;
  decode: (bytes: Bytes) => object;
}

const TRUNCATED: TruncationCase[] = [
  {
    name: "GetResponse",
    whole: encodeGetResponse({
      value: Uint8Array.of(1, 2, 3),
      minuteQps: 2,
      expiresAtMs: 1_700_000_000_000,
      index: 300,
      error: "load-failed",
      message: "é",
      pending: true,
    }),
    decode: decodeGetResponse,
  },
  {
    name: "SetRequest",
    whole: encodeSetRequest({
      group: "group",
      key: "clé",
      value: Uint8Array.of(1, 2, 3),
      expiresAtMs: 1_700_000_000_000,
    }),
    decode: decodeSetRequest,
  },
  {
    name: "GetKeysRequest",
    whole: encodeGetKeysRequest(["a", "é", "b"]),
    decode: (bytes: Bytes) => decodeGetKeysRequest(bytes).keys,
  },
];

for (const { name, whole, decode } of TRUNCATED) {
  test(`A truncated ${name} contains fields whole or not at all`, () => {
    const fields = new Map<string, unknown>(Object.entries(decode(whole)));
    const absent = new Map<string, unknown>(Object.entries(decode(new Uint8Array())));
    for (let length = 0; length < whole.byteLength; length++) {
      // The rest lies behind the view in memory, where nothing may read it.
      const part = tryTo(() => decode(whole.subarray(0, length)));
      for (const [field, value] of Object.entries(part ?? {})) {
        if (!equal(value, absent.get(field))) assertEquals(value, fields.get(field));
      }
    }
  });
}

const DECODERS = [decodeGetResponse, decodeSetRequest, decodeGetKeysRequest];

for (const decode of DECODERS) {
  test(`${decode.name}() accepts any bytes, or throws a RangeError`, () => {
    const anyTag = fc.constantFrom(8, 9, 10, 16, 17, 18, 24, 25, 26, 34);
    const likely = fc.array(fc.tuple(anyTag, fc.uint8Array({ maxLength: 4 })), { maxLength: 6 })
      .map((fields) => Uint8Array.from(fields.flatMap(([tag, bytes]) => [tag, ...bytes])));
    fc.assert(
      fc.property(fc.oneof(anyBytes, likely), (bytes) => {
        tryTo(() => decode(Uint8Array.from(bytes)));
      }),
      { numRuns: 1000 },
    );
  });
}

const SINGULAR: Record<"GetResponse" | "SetRequest", Record<string, unknown>> = {
  GetResponse: {
    value: "dg==",
    minute_qps: 1,
    expire: 1,
    index: 1,
    error: "e",
    message: "m",
    details: "d",
  },
  SetRequest: { group: "g", key: "k", value: "dg==", expire: 1 },
};

for (const [type, fields] of Object.entries(SINGULAR)) {
  for (const [field, value] of Object.entries(fields)) {
    test(`A ${type} that repeats the field ${field} is refused`, () => {
      const decode = type === "GetResponse" ? decodeGetResponse : decodeSetRequest;
      const once = write(type, { [field]: value });
      decode(once);
      const twice = Uint8Array.from([...once, ...once]);
      assertThrows(() => decode(twice), RangeError, "a field twice");
    });
  }
}

test("decodeGetKeysRequest() stops at the first key too many", () => {
  const keys = ["a", "b", "c"];
  // What follows is not decoded.
  const bytes = Uint8Array.from([...write("GetKeysRequest", { key: keys }), 10, 1, 0xff]);
  assertThrows(() => decodeGetKeysRequest(bytes, 2), RangeError, "expected at most 2");
  assertThrows(() => decodeGetKeysRequest(bytes, 3), RangeError, "expected at most 3");
  assertThrows(() => decodeGetKeysRequest(bytes, 4), RangeError, "not UTF-8");
  assertEquals(decodeGetKeysRequest(write("GetKeysRequest", { key: keys }), 3).keys, keys);
});

for (const decode of DECODERS) {
  test(`${decode.name}() refuses 64 MiB of small fields without reading them all`, () => {
    // The largest body allowed, of an unknown field of two bytes.
    const bytes = new Uint8Array(64 << 20);
    for (let i = 0; i < bytes.byteLength; i += 2) bytes[i] = 15 * 8;
    assertThrows(() => decode(bytes), RangeError, "more than 100000 fields");
  });
}

test("decodeGetResponse() accepts the signs of life of six hours", () => {
  const pending = encodeGetResponse({ pending: true });
  const signs = 6 * 60 * 60 * 4;
  const bytes = new Uint8Array(signs * pending.byteLength + 4);
  for (let i = 0; i < signs; i++) bytes.set(pending, i * pending.byteLength);
  bytes.set(encodeGetResponse({ value: Uint8Array.of(1, 2) }), signs * pending.byteLength);
  assertEquals(decodeGetResponse(bytes), { pending: true, value: Uint8Array.of(1, 2) });
});

test("Text that is not UTF-8 makes a message invalid", () => {
  const bytes = Uint8Array.of(10, 1, 0xff);
  assertThrows(() => decodeGetKeysRequest(bytes), RangeError, "not UTF-8");
  assertThrows(() => decodeSetRequest(bytes), RangeError, "not UTF-8");
});

/** What `run` comes to, or undefined if it throws a RangeError. */
function tryTo<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

test("readIndex() finds the index before a truncated value", () => {
  const value = new Uint8Array(1000);
  const message = { value, index: 4_000_000_000, minuteQps: 1.5, expiresAtMs: 1_700_000_000_000 };
  assertEquals(readIndex(encodeGetResponse(message).slice(0, 64)), 4_000_000_000);
  assertEquals(readIndex(encodeGetResponse({ value, index: 0 }).slice(0, 64)), 0);
});

test("readIndex() returns undefined if there is no index", () => {
  const bytes = encodeGetResponse({ value: new Uint8Array(1000), minuteQps: 1.5 });
  assertEquals(readIndex(bytes.slice(0, 64)), undefined);
  fc.assert(fc.property(anyBytes, (bytes) => {
    const index = readIndex(bytes);
    return index === undefined || index >= 0;
  }));
});

test("encodeValueHead() encodes what precedes a value, from which readSize() tells the whole size", () => {
  for (const size of [0, 1, 127, 128, 300_000]) {
    const value = new Uint8Array(size).fill(7);
    for (const more of [{}, { minuteQps: 1.5, ttlMs: 1000, expiresAtMs: 1_700_000_000_000 }]) {
      const whole = encodeGetResponse({ ...more, value });
      const head = encodeValueHead(more, size);
      assertEquals(whole.subarray(0, head.byteLength), head);
      assertEquals(whole.byteLength, head.byteLength + size);
      assertEquals(readSize(head), whole.byteLength);
      assertEquals(readSize(head.slice(0, -1)), undefined);
    }
  }
});

test("readSize() returns undefined if there is no value, whatever the bytes", () => {
  assertEquals(readSize(encodeGetResponse({ pending: true, error: "not-found" })), undefined);
  fc.assert(fc.property(anyBytes, (bytes) => {
    const size = readSize(bytes);
    return size === undefined || size >= 0;
  }));
});
