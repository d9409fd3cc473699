import { assertEquals, assertThrows } from "@std/assert";
import { baseUrl, normalise } from "../../lib/discovery/peer_list.ts";
import { test } from "../runtime.ts";

test("normalise() sorts, and leaves each origin once", () => {
  assertEquals(normalise(["http://b:80", "https://b", "http://a:1/", "http://a:1", "http://b"]), [
    "http://a:1",
    "http://b",
    "https://b",
  ]);
});

test("normalise() leaves the list alone that it gets", () => {
  const list = ["http://b:1", "http://a:1"];
  normalise(list);
  assertEquals(list, ["http://b:1", "http://a:1"]);
});

for (const peer of ["", "a:1", "ftp://a:1", "http://a:1?b", "http://a:1#b", "http://me@a:1", 1]) {
  test(`normalise() refuses ${JSON.stringify(peer)}`, () => {
    assertThrows(() => normalise([peer as string]), TypeError, "expected base URLs");
  });
}

test("baseUrl() puts addresses of IPv6 into brackets", () => {
  assertEquals(baseUrl("https", "fd00::1", 8443), "https://[fd00::1]:8443");
  assertEquals(baseUrl("http", "10.0.0.1", 80), "http://10.0.0.1:80");
});
