import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { assertDone, bound, Setup } from "./setup.ts";

test("DELETE drops the key", async () => {
  const { group, send } = bound(new Setup());
  await assertDone(await send("/_groupcache/group/a%2Fb", { method: "DELETE" }));
  assertEquals(group.dropped, ["a/b"]);
});
