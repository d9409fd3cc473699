import { assertEquals } from "@std/assert";
import { RequestSemaphore } from "../../../lib/http/client/request_semaphore.ts";
import { test } from "../../runtime.ts";

test("RequestSemaphore admits up to its maximum, and the others in order as these leave", async () => {
  const semaphore = new RequestSemaphore(2);
  const entered: number[] = [];
  const enterAll = [0, 1, 2, 3].map((index) => semaphore.acquire().then(() => entered.push(index)));
  await Promise.all(enterAll.slice(0, 2));
  assertEquals(entered, [0, 1]);
  semaphore.release();
  await enterAll[2];
  assertEquals(entered, [0, 1, 2]);
  semaphore.release();
  await enterAll[3];
  semaphore.release();
  semaphore.release();
  await Promise.all([semaphore.acquire(), semaphore.acquire()]);
  let third = false;
  semaphore.acquire().then(() => third = true);
  await Promise.resolve();
  assertEquals(third, false, "no place was made up or lost");
});
