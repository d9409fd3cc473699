import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeHello, encodeHello } from "../../lib/wire/hello.ts";
import { test } from "../runtime.ts";

test("A hello arrives as it left", () => {
  const hellos = fc.record({
    instance: fc.string(),
    self: fc.string(),
    peers: fc.array(fc.string()),
    placement: fc.string(),
    isLeaving: fc.boolean(),
    hadGivenUp: fc.boolean(),
  });
  fc.assert(fc.property(hellos, (hello) => assertEquals(decodeHello(encodeHello(hello)), hello)));
});

test("decodeHello() takes what is not said for no, and leaves out what it does not know", () => {
  const hello = { instance: "1", self: "http://a:1", peers: [], placement: "rendezvous" };
  assertEquals(decodeHello(JSON.stringify({ ...hello, isLeaving: "yes", mood: "good" })), {
    ...hello,
    isLeaving: false,
    hadGivenUp: false,
  });
});

test("decodeHello() refuses anything else with a TypeError", () => {
  const texts = fc.oneof(fc.string(), fc.json());
  fc.assert(fc.property(texts, (text) => {
    assertThrows(() => decodeHello(text), TypeError, "expected a hello");
  }));
});
