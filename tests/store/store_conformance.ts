import { assert, assertEquals } from "@std/assert";
import { test } from "../runtime.ts";
import type { Slot, Store } from "../../lib/store/store.ts";

const MIB = 1 << 20;

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const NEVER: number = Infinity;

/** What a slot holds, read as text. */
export function textAt(store: Store, slot: Slot): string | undefined {
  return slot < 0 ? undefined : store.view(slot).text();
}

/** What every implementation of `Store` must do; `name` names it in the tests. */
export function testStore(name: string, create: (maxBytes: number) => Store): void {
  test(`${name}.find() finds what was set, and counts`, () => {
    const store = create(MIB);
    assertEquals(store.find("a", 0), -1);
    assert(store.set("a", bytesOf("1"), NEVER));
    assertEquals(textAt(store, store.find("a", 0)), "1");
    const { gets, hits, items, evictions, refused } = store.stats();
    assertEquals({ gets, hits, items, evictions, refused }, {
      gets: 2,
      hits: 1,
      items: 1,
      evictions: 0,
      refused: 0,
    });
  });

  test(`${name}.borrow() gives a value as it is, whatever its size`, () => {
    const store = create(MIB);
    for (const size of [0, 1, 3, 4, 5, 100, 5000, 100_000]) {
      const value = Uint8Array.from({ length: size }, (_, index) => index * 7);
      assert(store.set(`size ${size}`, value, NEVER));
      assertEquals(store.borrow(store.find(`size ${size}`, 0)), value);
    }
  });

  test(`${name}.peek() counts as nothing`, () => {
    const store = create(MIB);
    store.set("a", bytesOf("1"), NEVER);
    assertEquals(textAt(store, store.peek("a", 0)), "1");
    assertEquals(store.peek("b", 0), -1);
    assertEquals(store.stats().gets, 0);
  });

  test(`${name}.hottest() lists the keys that live, those that were used most first`, () => {
    const store = create(MIB);
    const keys = ["never", "often", "ünïcode", "gone", "ended", "once"];
    for (const key of keys) store.set(key, bytesOf(key), key === "ended" ? 10 : NEVER);
    for (let i = 0; i < 3; i++) store.find("often", 0);
    for (const key of ["ünïcode", "ünïcode", "once"]) store.find(key, 0);
    store.delete("gone");
    assertEquals(
      [...store.hottest(10)],
      ["often", "ünïcode", "once", "never"].map((key) => (
        { key, valueBytes: bytesOf(key).byteLength }
      )),
    );
  });

  test(`${name}.hottest() puts up with whatever is done while it is read`, () => {
    const store = create(MIB);
    for (let i = 0; i < 2000; i++) store.set(`key ${i}`, bytesOf(`${i}`), NEVER);
    const seen = new Set<string>();
    for (const { key } of store.hottest(0)) {
      seen.add(key);
      store.delete(key);
      store.set(`other ${seen.size % 100}`, new Uint8Array(10_000), NEVER);
    }
    assert(seen.size > 0);
    const cleared = store.hottest(0)[Symbol.iterator]();
    cleared.next();
    store.clear();
    while (!cleared.next().done);
  });

  test(`${name}.set() replaces, and copies what it is given`, () => {
    const store = create(MIB);
    const value = bytesOf("old");
    store.set("a", value, NEVER);
    value.fill(0);
    assertEquals(textAt(store, store.find("a", 0)), "old");
    store.set("a", bytesOf("new one"), NEVER);
    assertEquals(textAt(store, store.find("a", 0)), "new one");
    assertEquals(store.stats().items, 1);
    assertEquals(store.stats().payloadBytes, 8);
  });

  test(`${name} tells slots apart that are held at the same time`, () => {
    const store = create(MIB);
    for (let i = 0; i < 100; i++) store.set(`key ${i}`, bytesOf(`value ${i}`), NEVER);
    const slots = Array.from({ length: 100 }, (_, i) => store.find(`key ${i}`, 0));
    slots.forEach((slot, i) => assertEquals(textAt(store, slot), `value ${i}`));
  });

  test(`${name}.delete() forgets, and says whether there was anything`, () => {
    const store = create(MIB);
    store.set("a", bytesOf("1"), NEVER);
    assertEquals(store.delete("a"), true);
    assertEquals(store.delete("a"), false);
    assertEquals(store.find("a", 0), -1);
    assertEquals(store.stats().items, 0);
    assertEquals(store.stats().payloadBytes, 0);
  });

  test(`${name} ends an entry exactly when it expires`, () => {
    const store = create(MIB);
    for (const end of [0.5, 1000, Date.UTC(2200, 0), 2 ** 50, NEVER]) {
      store.set("a", bytesOf("1"), end);
      const slot = store.find("a", end === NEVER ? Number.MAX_VALUE : end - 0.25);
      assertEquals(textAt(store, slot), "1");
      assertEquals(store.expiresAtMs(slot), end);
      if (end === NEVER) continue;
      assertEquals(store.find("a", end), -1);
      assertEquals(store.peek("a", end + 1), -1);
    }
  });

  test(`${name}.set() gives an entry a new end`, () => {
    const store = create(MIB);
    store.set("a", bytesOf("1"), 10);
    store.set("a", bytesOf("2"), 20);
    assertEquals(textAt(store, store.find("a", 15)), "2");
    store.set("a", bytesOf("3"), NEVER);
    assertEquals(textAt(store, store.find("a", 25)), "3");
  });

  test(`${name} takes any well-formed key as it is`, () => {
    const store = create(4 * MIB);
    const keys = [
      "a",
      "A",
      "a ",
      "a\0",
      "a\0\0",
      "\0",
      "é",
      "e\u0301",
      "ключ",
      "鍵",
      "🗝",
      "🗝️",
      "..",
      "a/b",
      "%2F",
      "+",
      "\u007f",
      "\u0080",
      "\uffff",
      "x".repeat(39),
      "x".repeat(40),
      "x".repeat(41),
      "x".repeat(65_535),
      "x".repeat(65_536),
      "é".repeat(32_768),
      "鍵".repeat(21_845),
      "🗝".repeat(16_384),
    ];
    for (const [i, key] of keys.entries()) assert(store.set(key, bytesOf(`${i}`), NEVER));
    for (const [i, key] of keys.entries()) {
      assertEquals(textAt(store, store.find(key, 0)), `${i}`);
    }
    assertEquals(store.stats().items, keys.length);
    for (const key of keys) assert(store.delete(key));
    assertEquals(store.stats().items, 0);
  });

  test(`${name} finds a key however its string was made`, () => {
    const store = create(MIB);
    store.set("user:profile:100042", bytesOf("1"), NEVER);
    const path = "/users/user:profile:100042?x";
    for (
      const key of [
        "user:profile:" + (100_041 + 1),
        path.slice(7, -2),
        decodeURIComponent("user%3Aprofile%3A100042"),
        ["user", "profile", "100042"].join(":"),
      ]
    ) assertEquals(textAt(store, store.find(key, 0)), "1");
  });

  test(`${name} holds empty values`, () => {
    const store = create(MIB);
    store.set("a", new Uint8Array(0), NEVER);
    const slot = store.find("a", 0);
    assert(slot >= 0);
    assertEquals(store.view(slot).size, 0);
  });

  test(`${name}.set() refuses and counts what is larger than half of it`, () => {
    const store = create(MIB);
    store.set("a", bytesOf("1"), NEVER);
    assertEquals(store.set("a", new Uint8Array(MIB / 2 + 1), NEVER), false);
    assertEquals(store.find("a", 0), -1);
    assertEquals(store.set("b", new Uint8Array(8 * MIB), NEVER), false);
    assertEquals(store.stats().refused, 2);
    assertEquals(store.stats().items, 0);
  });

  test(`${name} keeps to its bound, and counts what it evicts`, () => {
    const store = create(MIB);
    for (let i = 0; i < 5000; i++) {
      assert(store.set(`key ${i}`, new Uint8Array(1000).fill(i), NEVER));
      assert(store.stats().bytes <= MIB);
      assert(store.find(`key ${i}`, 0) >= 0);
    }
    const { items, evictions, payloadBytes } = store.stats();
    assertEquals(items + evictions, 5000);
    assert(payloadBytes <= MIB);
    assert(items > 400);
  });

  test(`${name} follows maxBytes down at the next set, and up`, () => {
    const store = create(4 * MIB);
    for (let i = 0; i < 4000; i++) store.set(`key ${i}`, new Uint8Array(1000), NEVER);
    store.maxBytes = MIB;
    assertEquals(store.maxBytes, MIB);
    store.set("one more", bytesOf("1"), NEVER);
    assert(store.stats().bytes <= MIB);
    assertEquals(textAt(store, store.find("one more", 0)), "1");
    store.maxBytes = 4 * MIB;
    for (let i = 0; i < 4000; i++) store.set(`key ${i}`, new Uint8Array(1000), NEVER);
    assert(store.stats().bytes <= 4 * MIB);
    assert(store.stats().bytes > 2 * MIB);
  });

  test(`${name} holds nothing when it may take no memory`, () => {
    const store = create(0);
    assertEquals(store.set("a", bytesOf("1"), NEVER), false);
    assertEquals(store.set("a", new Uint8Array(0), NEVER), false);
    assertEquals(store.find("a", 0), -1);
    assertEquals(store.stats().items, 0);
  });

  test(`${name}.setDecoded() keeps a decoded value for as long as its entry`, () => {
    const store = create(MIB);
    store.set("a", bytesOf("1"), NEVER);
    assertEquals(store.decoded(store.find("a", 0)), undefined);
    const decoded = { one: 1 };
    const before = store.stats().bytes;
    store.setDecoded(store.find("a", 0), decoded, 100);
    assert(store.stats().bytes >= before + 100);
    assert(store.decoded(store.find("a", 0)) === decoded);
    store.setDecoded(store.find("a", 0), null, 10);
    assertEquals(store.decoded(store.find("a", 0)), null);
    store.set("a", bytesOf("2"), NEVER);
    assertEquals(store.decoded(store.find("a", 0)), undefined);
    assertEquals(textAt(store, store.find("a", 0)), "2");
  });

  test(`${name} stays within its bound with whatever is kept decoded`, () => {
    const store = create(MIB);
    for (let i = 0; i < 3000; i++) {
      store.set(`key ${i}`, new Uint8Array(100), NEVER);
      store.setDecoded(store.find(`key ${i}`, 0), { i }, i % 50 === 0 ? 100_000 : 700);
      assert(store.stats().bytes <= MIB);
      const slot = store.find(`key ${i}`, 0);
      if (slot < 0) continue;
      const kept = store.decoded(slot);
      if (kept !== undefined) assertEquals(kept, { i });
    }
  });

  test(`${name}.clear() forgets everything and gives its memory back`, () => {
    const store = create(4 * MIB);
    const empty = store.stats().bytes;
    for (let i = 0; i < 3000; i++) {
      store.set(`key ${i}`, new Uint8Array(1000), NEVER);
      store.setDecoded(store.find(`key ${i}`, 0), { i }, 100);
    }
    store.clear();
    assertEquals(store.stats().items, 0);
    assertEquals(store.stats().payloadBytes, 0);
    assertEquals(store.stats().bytes, empty);
    assertEquals(store.find("key 2999", 0), -1);
    store.set("a", bytesOf("1"), NEVER);
    assertEquals(textAt(store, store.find("a", 0)), "1");
  });

  test(`${name} leaves views as they are through overwriting, removal, eviction and clear()`, () => {
    const store = create(MIB);
    const views = [];
    for (let i = 0; i < 6000; i++) {
      const key = `key ${i % 3000}`;
      store.set(key, bytesOf(`${i} `.repeat(20 + i % 50)), NEVER);
      if (i % 2 === 0) views.push({ i, view: store.view(store.find(key, 0)) });
      if (i % 7 === 0) store.delete(key);
      if (i % 2500 === 2499) store.clear();
    }
    store.clear();
    for (let i = 0; i < 3000; i++) store.set(`other ${i}`, new Uint8Array(900).fill(1), NEVER);
    assertEquals(views.length, 3000);
    for (const { i, view } of views) assertEquals(view.text(), `${i} `.repeat(20 + i % 50));
  });

  test(`${name} takes a value that is a view of its own`, async () => {
    const { borrowBytes } = await import("../../lib/byte_view.ts");
    const store = create(MIB);
    store.set("a", bytesOf("the value ".repeat(50)), NEVER);
    for (let i = 0; i < 5000; i++) {
      const slot = store.find("a", 0);
      store.set("a", borrowBytes(store.view(slot)), NEVER);
    }
    assertEquals(textAt(store, store.find("a", 0)), "the value ".repeat(50));
  });
}
