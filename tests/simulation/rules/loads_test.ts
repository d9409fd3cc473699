import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { Calm } from "../calm.ts";
import { History, type Value } from "../history.ts";
import { Loads } from "./loads.ts";

/** Loads of one key. */
class Story {
  nowMs = 60_000;
  broken = 0;
  readonly history: History = new History(() => this.nowMs);
  loadsTogether = false;
  readonly loads = new Loads({
    history: this.history,
    calm: new Calm(() => this.nowMs),
    mayHedge: false,
    loadsTogether: () => this.loadsTogether,
    report: () => this.broken++,
  });

  load(by: string): void {
    this.nowMs += 1000;
    const value: Omit<Value, "id" | "began" | "ended" | "lateMs"> = {
      group: 0,
      key: "key",
      setBy: undefined,
      by,
      ttlMs: Infinity,
    };
    this.loads.began(this.history.newValue(value));
  }
}

test("Loads allows one load at a time", () => {
  const story = new Story();
  story.load("a");
  story.load("a");
  assertEquals(story.broken, 1);
});

test("Loads lets a process load again that was told to drop everything, and no other", () => {
  const story = new Story();
  story.load("a");
  story.loads.reset("b");
  story.load("b");
  assertEquals(story.broken, 1);
  const other = new Story();
  other.load("a");
  other.loads.reset("a");
  other.load("a");
  assertEquals(other.broken, 0);
});

test("Loads lets a key load again whose caller has left, if it is loaded together with others", () => {
  for (const loadsTogether of [true, false]) {
    const story = new Story();
    story.loadsTogether = loadsTogether;
    story.history.callerLeft(0, ["key"]);
    story.load("a");
    story.load("a");
    assertEquals(story.broken, 1, "the caller left before");
    story.history.callerLeft(0, ["other", "key"]);
    story.load("a");
    assertEquals(story.broken, loadsTogether ? 1 : 3);
  }
});
