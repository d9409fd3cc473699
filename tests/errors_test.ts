import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  decodeDetails,
  encodeDetails,
  GroupCacheError,
  type GroupCacheErrorCode,
  isErrorCode,
  messageOf,
  printable,
  quote,
  reasonOf,
} from "../lib/errors.ts";
import { test } from "./runtime.ts";

// Codes are a part of the interface, and of what peers say to each other.
const CODES: Record<GroupCacheErrorCode, true> = {
  "not-found": true,
  "load-failed": true,
  "timeout": true,
  "peer-failed": true,
  "bad-key": true,
  "too-large": true,
  "unauthorized": true,
  "overloaded": true,
  "closed": true,
};

for (const code of Object.keys(CODES)) {
  test(`isErrorCode() knows ${code}`, () => assert(isErrorCode(code)));
}

for (
  const text of ["", "Not-Found", "not-found ", "constructor", "__proto__", "not-found, closed"]
) {
  test(`isErrorCode() does not know ${JSON.stringify(text)}`, () => assert(!isErrorCode(text)));
}

test("GroupCacheError has a name, a code, a message and a cause", () => {
  const cause = new Error("refused");
  const error = new GroupCacheError("peer-failed", "Cannot ask peer: refused", { cause });
  assert(error instanceof Error);
  assertEquals(error.name, "GroupCacheError");
  assertEquals(error.code, "peer-failed");
  assertStrictEquals(error.cause, cause);
  assertEquals(String(error), "GroupCacheError: Cannot ask peer: refused");
  assert(!("cause" in new GroupCacheError("closed", "Cannot use the cache: it was closed")));
});

class Unspeakable extends Error {
  override get message(): string {
    throw new Error("no message for you");
  }
}

class Odd extends Error {
  override get message(): string {
    return { text: "an object" } as unknown as string;
  }
}

const THROWN: { name: string; thrown: unknown; message: string }[] = [
  { name: "an error", thrown: new TypeError("it broke"), message: "it broke" },
  { name: "an error without a message", thrown: new RangeError(), message: "RangeError" },
  { name: "a DOMException", thrown: new DOMException("late", "TimeoutError"), message: "late" },
  { name: "a string", thrown: "it broke", message: "it broke" },
  { name: "nothing", thrown: undefined, message: "undefined" },
  { name: "null", thrown: null, message: "null" },
  { name: "a number", thrown: 42, message: "42" },
  { name: "a symbol", thrown: Symbol("it broke"), message: "Symbol(it broke)" },
  { name: "an object", thrown: {}, message: "[object Object]" },
  { name: "an object that is no text", thrown: Object.create(null), message: "object" },
  { name: "an error whose message throws", thrown: new Unspeakable(), message: "object" },
  { name: "an error whose message is no text", thrown: new Odd(), message: "[object Object]" },
  { name: "a proxy that was revoked", thrown: revoked(), message: "object" },
];

for (const { name, thrown, message } of THROWN) {
  test(`messageOf() has a message of ${name}`, () => assertEquals(messageOf(thrown), message));
}

test("printable() leaves what can be read, and escapes what would forge or hide a line", () => {
  assertEquals(printable("naïve 日本 👩‍🚀 \\n"), "naïve 日本 👩‍🚀 \\n");
  assertEquals(
    printable("a\nb\u001b[2Jc\u0085d\u2028e\u202ef\u0000"),
    "a\\u000ab\\u001b[2Jc\\u0085d\\u2028e\\u202ef\\u0000",
  );
  assertEquals(quote("a\u007fb\u2029"), '"a\\u007fb\\u2029"');
});

test("messageOf() contains nothing of the stack", () => {
  const error = new Error("it broke");
  assertEquals(messageOf(error), "it broke");
  assert(
    !messageOf(new GroupCacheError("load-failed", "Cannot load", { cause: error })).includes("at "),
  );
});

const QUOTED: { name: string; value: unknown; quoted: string }[] = [
  { name: "text in quotes", value: "key", quoted: '"key"' },
  { name: "control characters escaped", value: "a\n\0", quoted: '"a\\n\\u0000"' },
  { name: "64 characters whole", value: "k".repeat(64), quoted: `"${"k".repeat(64)}"` },
  { name: "no more than 64 characters", value: "k".repeat(65), quoted: `"${"k".repeat(64)}…"` },
  { name: "a number bare", value: -1, quoted: "-1" },
  { name: "nothing as undefined", value: undefined, quoted: "undefined" },
];

for (const { name, value, quoted } of QUOTED) {
  test(`quote() shows ${name}`, () => assertEquals(quote(value), quoted));
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const CAUSES: { name: string; thrown: unknown; reason: string }[] = [
  { name: "an error without a cause", thrown: new Error("a"), reason: "a" },
  { name: "text", thrown: "a", reason: "a" },
  { name: "nothing", thrown: undefined, reason: "undefined" },
  { name: "a revoked proxy", thrown: revoked(), reason: "object" },
  { name: "a cause", thrown: new Error("a", { cause: new Error("b") }), reason: "a: b" },
  { name: "a cause that is text", thrown: new Error("a", { cause: "b" }), reason: "a: b" },
  {
    name: "a cause told before",
    thrown: new Error("a b", { cause: new Error("b") }),
    reason: "a b",
  },
  {
    name: "several addresses",
    thrown: new Error("a", { cause: new AggregateError([new Error("b"), new Error("c")], "") }),
    reason: "a: b, c",
  },
];

for (const { name, thrown, reason } of CAUSES) {
  test(`reasonOf() tells ${name}`, () => assertEquals(reasonOf(thrown), reason));
}

test("reasonOf() terminates on circular causes", () => {
  const error = new Error("a");
  error.cause = new Error("b", { cause: error });
  assertEquals(reasonOf(error), "a: b");
});

const DETAILS: { name: string; details: unknown; kept: unknown }[] = [
  { name: "an object", details: { a: [1, null, "é"] }, kept: { a: [1, null, "é"] } },
  { name: "text", details: "why", kept: "why" },
  { name: "null", details: null, kept: null },
  { name: "a date", details: new Date(0), kept: "1970-01-01T00:00:00.000Z" },
  { name: "4 KiB", details: "x".repeat(4094), kept: "x".repeat(4094) },
  { name: "more than 4 KiB", details: "x".repeat(4095), kept: undefined },
  { name: "more than 4 KiB as UTF-8", details: "é".repeat(2048), kept: undefined },
  { name: "a function", details: () => {}, kept: undefined },
  { name: "a BigInt", details: 1n, kept: undefined },
];

for (const { name, details, kept } of DETAILS) {
  test(`GroupCacheError ${kept === undefined ? "leaves out" : "has"} details: ${name}`, () => {
    const error = new GroupCacheError("load-failed", "Cannot load", { details });
    assertEquals(error.details, kept);
    assertEquals("details" in error, kept !== undefined);
    assertEquals(decodeDetails(encodeDetails(error)), kept);
  });
}

test("GroupCacheError has a copy of its details", () => {
  const details = { count: 1 };
  const error = new GroupCacheError("load-failed", "Cannot load", { details });
  details.count = 2;
  assertEquals(error.details, { count: 1 });
});

test("decodeDetails() leaves out what a peer should not have sent", () => {
  for (const json of [undefined, "", "{", `"${"x".repeat(4095)}"`]) {
    assertEquals(decodeDetails(json), undefined);
  }
});
