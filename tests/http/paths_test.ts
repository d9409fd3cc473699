import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  endpointPath,
  fitsPath,
  isPathStep,
  keyPath,
  parseTarget,
  pathOf,
} from "../../lib/http/paths.ts";
import { PATH_KEYS } from "../odd_keys.ts";
import { anyCharacter } from "../any_character.ts";
import { test } from "../runtime.ts";

const BASE = "/_groupcache/";

/** What the server makes of a path, after the URL parser has had its way with it. */
function arrives(path: string, plusIsSpace = false): ReturnType<typeof parseTarget> {
  return parseTarget(pathOf(new Request(`http://peer:8080${path}`).url), BASE, plusIsSpace);
}

for (const { name, key } of PATH_KEYS) {
  test(`keyPath() of ${name} arrives as it left`, () => {
    const path = keyPath(BASE, "group", key);
    assert(fitsPath(path, key));
    for (const plusIsSpace of [false, true]) {
      assertEquals(arrives(path, plusIsSpace), {
        group: "group",
        key,
        rawKey: encodeURIComponent(key),
      });
    }
  });
}

test("keyPath() of any key that fits arrives as it left, in a group of any name", () => {
  const anyKey = fc.oneof(
    fc.string({ unit: anyCharacter, minLength: 1 }),
    fc.string({ unit: fc.constantFrom(".", "/", "%", "2", "e", "+", "\\", " ", "?", "#") }),
  );
  const anyGroup = fc.string({ unit: anyCharacter, minLength: 1 })
    .filter((name) => !name.includes("/") && name !== "." && name !== "..");
  fc.assert(
    fc.property(anyGroup, anyKey, fc.boolean(), (group, key, plusIsSpace) => {
      const path = keyPath(BASE, group, key);
      if (fitsPath(path, key)) {
        assertEquals(arrives(path, plusIsSpace), { group, key, rawKey: encodeURIComponent(key) });
      } else assert(key === "." || key === "..");
    }),
    { numRuns: 500 },
  );
});

test("parseTarget() refuses bytes that were not escaped, which Deno decodes as Latin-1", () => {
  const sent = String.fromCharCode(...new TextEncoder().encode("clé"));
  for (const path of [`${BASE}group/${sent}`, `${BASE}${sent}/key`, `${BASE}group/\x7f`]) {
    assertThrows(() => parseTarget(path, BASE, false), TypeError, "expected a path of ASCII");
  }
});

for (const key of [".", ".."]) {
  test(`fitsPath() knows that URL parsers take ${key} for a step in the path`, () => {
    assert(isPathStep(key));
    assert(!fitsPath(keyPath(BASE, "group", key), key));
    // That is why.
    assert(!new URL(`http://peer${keyPath(BASE, "group", key)}`).pathname.includes("group/."));
  });
}

test("fitsPath() keeps request lines within what servers take", () => {
  const longest = 4096 - keyPath(BASE, "group", "").length;
  const fits = (key: string) => fitsPath(keyPath(BASE, "group", key), key);
  assert(fits("k".repeat(longest)));
  assert(!fits("k".repeat(longest + 1)));
  assert(!fits("é".repeat(longest / 6 + 1)));
});

for (const endpoint of ["_get-keys/", "_remove-keys/"]) {
  test(`endpointPath() of ${endpoint} is the path of no key`, () => {
    const target = arrives(endpointPath(BASE, "a b", endpoint));
    assertEquals([target.group, target.rawKey], ["a b", endpoint]);
    assert(keyPath(BASE, "a b", endpoint) !== endpointPath(BASE, "a b", endpoint));
  });
}

test("parseTarget() reads everything after the group's slash as the key", () => {
  assertEquals(arrives("/_groupcache/group/a/b//c/").key, "a/b//c/");
  assertEquals(arrives("/_groupcache/group/_get-keys/x").rawKey, "_get-keys/x");
});

test("parseTarget() takes an empty key and an empty group, which others refuse", () => {
  assertEquals(arrives("/_groupcache/group/").key, "");
  assertEquals(arrives("/_groupcache//key").group, "");
});

test("parseTarget() leaves out the query", () => {
  assertEquals(arrives("/_groupcache/group/key?a/b").key, "key");
});

test("parseTarget() reads a plus as a plus, or as the space of clients like golang/groupcache", () => {
  assertEquals(arrives("/_groupcache/a+b/c+d").key, "c+d");
  const { group, key } = arrives("/_groupcache/a+b/c+d%2Be", true);
  assertEquals([group, key], ["a b", "c d+e"]);
});

test("parseTarget() reads what Go's PathEscape leaves bare", () => {
  assertEquals(arrives("/_groupcache/group/$&+:=@;,!*()'~").key, "$&+:=@;,!*()'~");
});

test("parseTarget() reads ASCII characters that a sender should have escaped", () => {
  assertEquals(parseTarget(`${BASE}group/^|"`, BASE, false).key, '^|"');
});

const BAD_PATHS: { name: string; path: string; why: string }[] = [
  { name: "no group", path: "/_groupcache/", why: "expected a group and a key" },
  { name: "no key", path: "/_groupcache/group", why: "expected a group and a key" },
  { name: "a percent sign alone", path: "/_groupcache/group/%", why: "escapes" },
  { name: "an escape of no hex", path: "/_groupcache/group/%zz", why: "escapes" },
  { name: "an escape cut short", path: "/_groupcache/group/a%2", why: "escapes" },
  { name: "a byte that is not UTF-8", path: "/_groupcache/group/%ff", why: "escapes" },
  { name: "half a character", path: "/_groupcache/group/%c3", why: "escapes" },
  { name: "a surrogate", path: "/_groupcache/group/%ed%a0%80", why: "escapes" },
  { name: "a NUL of two bytes", path: "/_groupcache/group/%c0%80", why: "escapes" },
  { name: "a group of such", path: "/_groupcache/%ff/key", why: "escapes" },
];

for (const { name, path, why } of BAD_PATHS) {
  test(`parseTarget() refuses ${name}`, () => {
    assertThrows(() => parseTarget(path, BASE, false), TypeError, why);
  });
}

const PATHS: { url: string; path: string }[] = [
  { url: "http://peer:8080/a/b", path: "/a/b" },
  { url: "http://peer:8080/", path: "/" },
  { url: "http://peer:8080", path: "/" },
  { url: "https://[::1]:8080/a", path: "/a" },
  { url: "http://peer/a?b=/c", path: "/a" },
  { url: "http://peer/a#b/c", path: "/a" },
  { url: "http://peer/a%3Fb", path: "/a%3Fb" },
  { url: "http://peer//a", path: "//a" },
  { url: "http://peer/http://other/a", path: "/http://other/a" },
];

for (const { url, path } of PATHS) {
  test(`pathOf() of ${url} is ${path}`, () => assertEquals(pathOf(url), path));
}
