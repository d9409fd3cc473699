import { assert, assertEquals, assertThrows } from "@std/assert";
import { baseUrl, normalise, validPeers } from "../../lib/discovery/peer_list.ts";
import { test } from "../runtime.ts";

test("normalise() sorts, and keeps each origin once", () => {
  assertEquals(normalise(["http://b:80", "https://b", "http://a:1/", "http://a:1", "http://b"]), [
    "http://a:1",
    "http://b",
    "https://b",
  ]);
});

test("normalise() does not change its argument", () => {
  const list = ["http://b:1", "http://a:1"];
  normalise(list);
  assertEquals(list, ["http://b:1", "http://a:1"]);
});

for (
  const peer of [
    "",
    "a:1",
    "ftp://a:1",
    "http://a:1?b",
    "http://a:1#b",
    "http://me@a:1",
    "http://a:0",
    1,
  ]
) {
  test(`normalise() refuses ${JSON.stringify(peer)}`, () => {
    assertThrows(() => normalise([peer as string]), TypeError, "expected base URLs");
  });
}

test("validPeers() reports a few of the entries that are not base URLs", () => {
  const errors: string[] = [];
  const invalid = Array.from({ length: 1000 }, (_, i) => i);
  assertEquals(validPeers([...invalid, "http://a:1"], ({ message }) => errors.push(message)), [
    "http://a:1",
  ]);
  assertEquals(errors, [
    'expected base URLs such as "http://10.0.0.1:8080": received 0, 1, 2, 3, 4 and 995 more',
  ]);
});

test("validPeers() throws if no entry is valid, but accepts an empty list", () => {
  const report = () => {
    throw new Error("not in this test");
  };
  assertThrows(() => validPeers(["a", "b"], report), TypeError, 'received "a", "b"');
  assertEquals(validPeers([], report), []);
});

test("baseUrl() puts IPv6 addresses into brackets", () => {
  assertEquals(baseUrl("https", "fd00::1", 8443), "https://[fd00::1]:8443");
  assertEquals(baseUrl("http", "10.0.0.1", 80), "http://10.0.0.1:80");
});

test("baseUrl() is invalid without a host or a port", () => {
  assert(!URL.canParse(baseUrl("http", undefined, 80)));
  assert(!URL.canParse(baseUrl("http", "a", undefined)));
});
