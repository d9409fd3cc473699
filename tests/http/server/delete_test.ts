import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { assertDone, assertFailure, bound, Setup } from "./setup.ts";

test("DELETE drops the key", async () => {
  const { group, send } = bound(new Setup());
  await assertDone(await send("/_groupcache/group/a%2Fb", { method: "DELETE" }));
  assertEquals(group.dropped, ["a/b"]);
});

test("DELETE of a group that this process lacks is passed on, and none of a closed cache", async () => {
  const { group, send } = bound(new Setup());
  await assertDone(await send("/_groupcache/unknown/key", { method: "DELETE" }));
  assertEquals(group.dropped, ["key"]);
  const response = await send("/_groupcache/closed/key", { method: "DELETE" });
  assertFailure(response, 421, "closed");
  assertEquals(group.dropped, ["key"]);
});

const NOTE = "7 origin list 6 http://a:1";

test("DELETE reports the change that it makes as the sender calls it", async () => {
  const received: unknown[] = [];
  const { send } = bound(new Setup({ changes: { receive: (...change) => received.push(change) } }));
  const headers = { "groupcache-change": NOTE };
  await assertDone(await send("/_groupcache/group/key", { method: "DELETE", headers }));
  const note = {
    stamp: { time: 7, origin: "origin" },
    list: "list",
    settledTime: 6,
    knownBy: "http://a:1",
  };
  assertEquals(received, [["group", "key", note]]);
});

test("DELETE with a malformed name of the change is refused", async () => {
  for (const change of ["", "x y z 1", "-1 o l 0", "1.5 o l 0", "1 o l", `${2 ** 48} o l 0`]) {
    const { group, send } = bound(new Setup());
    const headers = { "groupcache-change": change };
    const response = await send("/_groupcache/group/key", { method: "DELETE", headers });
    assertFailure(response, 400, "bad-key");
    assertEquals(group.dropped, []);
  }
});
