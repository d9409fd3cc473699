import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KeyCall } from "../../../lib/http/client/key_call.ts";
import { OwedCalls } from "../../../lib/http/client/owed_calls.ts";
import type { EncodedValue } from "../../../lib/peer/peer.ts";
import { test } from "../../runtime.ts";

test("OwedCalls holds what a Map holds, whatever is added and deleted", () => {
  const anyBatch = fc.record({
    size: fc.integer({ min: 1, max: 5 }),
    deleted: fc.array(fc.nat({ max: 100 }), { maxLength: 8 }),
  });
  fc.assert(fc.property(fc.array(anyBatch, { maxLength: 30 }), (batches) => {
    const owed = new OwedCalls();
    const map = new Map<number, KeyCall>();
    let nextId = 1;
    for (const { size, deleted } of batches) {
      const calls = Array.from(
        { length: size },
        () => new KeyCall("group", "key", {}, Promise.withResolvers<EncodedValue>()),
      );
      owed.add(nextId, [...calls]);
      for (const call of calls) map.set(nextId++, call);
      for (const id of deleted) {
        assert(owed.get(id) === map.get(id));
        assertEquals(owed.delete(id), map.delete(id));
        assertEquals(owed.get(id), undefined);
      }
      assertEquals(owed.size, map.size);
    }
    const rest = owed.takeAll();
    assertEquals(rest.length, map.size);
    assert(rest.every((call, index) => call === [...map.values()][index]));
    assertEquals([owed.size, owed.get(1), owed.takeAll()], [0, undefined, []]);
  }));
});
