import { assertEquals } from "@std/assert";
import { FetchGate } from "../../lib/http/fetch_gate.ts";
import { test } from "../runtime.ts";

test("FetchGate lets in as many as may be, the others in their order as these leave", async () => {
  const gate = new FetchGate(2);
  const entered: number[] = [];
  const enterAll = [0, 1, 2, 3].map((index) => gate.enter().then(() => entered.push(index)));
  await Promise.all(enterAll.slice(0, 2));
  assertEquals(entered, [0, 1]);
  gate.leave();
  await enterAll[2];
  assertEquals(entered, [0, 1, 2]);
  gate.leave();
  await enterAll[3];
  gate.leave();
  gate.leave();
  await Promise.all([gate.enter(), gate.enter()]);
  let third = false;
  gate.enter().then(() => third = true);
  await Promise.resolve();
  assertEquals(third, false, "no place was made up or lost");
});
