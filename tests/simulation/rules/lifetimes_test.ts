import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { History, type Observed } from "../history.ts";
import { Lifetimes } from "./lifetimes.ts";

const ALLOWED_MS = 10;
const TTL_MS = 100;

/** Whether a value may be read so long after it was set. */
function mayBeRead(
  { afterMs, lateMs = 0, joinedMs = 0 }: { afterMs: number; lateMs?: number; joinedMs?: number },
): boolean {
  let nowMs = 0;
  let isBroken = false;
  const history = new History(() => nowMs);
  const lifetimes = new Lifetimes({
    allowanceMs: () => ALLOWED_MS,
    report: () => isBroken = true,
  });
  const by: Observed = { name: "a", url: "a", started: history.instant(), isUp: true, peers: [] };
  const about = { group: 0, key: "key", by: "a" };
  const value = history.newValue({ ...about, setBy: undefined, ttlMs: TTL_MS });
  Object.assign(value, { ended: value.began, lateMs });
  nowMs = afterMs;
  const began = history.instant();
  const sinceMs = afterMs - joinedMs;
  lifetimes.check({ ...about, kind: "get", by, began, ended: began, value, sinceMs });
  return !isBroken;
}

test("Lifetimes allows no read after a value's end", () => {
  assertEquals(mayBeRead({ afterMs: TTL_MS + ALLOWED_MS }), true);
  assertEquals(mayBeRead({ afterMs: TTL_MS + ALLOWED_MS + 1 }), false);
});

test("Lifetimes allows for the time that the message was under way which set the value", () => {
  assertEquals(mayBeRead({ afterMs: TTL_MS + ALLOWED_MS + 50, lateMs: 50 }), true);
  assertEquals(mayBeRead({ afterMs: TTL_MS + ALLOWED_MS + 51, lateMs: 50 }), false);
});

test("Lifetimes lets a call have what the flight brings that it joins", () => {
  assertEquals(mayBeRead({ afterMs: TTL_MS + ALLOWED_MS + 50, joinedMs: 50 }), true);
  assertEquals(mayBeRead({ afterMs: TTL_MS + ALLOWED_MS + 51, joinedMs: 50 }), false);
});
