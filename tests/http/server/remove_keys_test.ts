import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { assertDone, assertFailure, bound, LONG, Setup } from "./setup.ts";

test("POST _remove-keys drops every key", async () => {
  const { group, send } = bound(new Setup());
  const body = JSON.stringify({ group: "group", keys: [".", "..", "é", LONG.slice(1)] });
  await assertDone(await send("/_groupcache/group/_remove-keys/", { method: "POST", body }));
  assertEquals(group.dropped, [".", "..", "é", LONG.slice(1)]);
});

test("POST _remove-keys of no keys does nothing", async () => {
  const { group, send } = bound(new Setup());
  const body = '{"keys":[]}';
  await assertDone(await send("/_groupcache/group/_remove-keys/", { method: "POST", body }));
  assertEquals(group.dropped, []);
});

const BAD_LISTS = [
  "",
  "keys",
  "null",
  "[]",
  '["a"]',
  "{}",
  '{"keys":"a"}',
  '{"keys":{"0":"a","length":1}}',
  '{"keys":["a",1]}',
  '{"keys":["a",null]}',
  '{"keys":["a",["b"]]}',
  '{"keys":["a",""]}',
  '{"keys":["a","\\ud800"]}',
  JSON.stringify({ keys: ["a", LONG] }),
];

for (const body of BAD_LISTS) {
  test(`POST _remove-keys of ${body.slice(0, 30)} is refused, and drops nothing`, async () => {
    const { group, send } = bound(new Setup());
    const response = await send("/_groupcache/group/_remove-keys/", { method: "POST", body });
    assertFailure(response, 400, "bad-key");
    assertEquals(group.dropped, []);
  });
}
