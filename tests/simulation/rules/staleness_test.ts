import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { Calm } from "../calm.ts";
import { type Change, History, type Observed, type Value } from "../history.ts";
import type { RuleName } from "./rule.ts";
import { GRACE_MS, Staleness } from "./staleness.ts";

/** A history of one key, told step by step. */
class Story {
  nowMs = 0;
  readonly history: History = new History(() => this.nowMs);
  readonly calm: Calm = new Calm(() => this.nowMs);
  readonly broken: RuleName[] = [];
  readonly processes: Observed[] = [];
  readonly #staleness = new Staleness({
    history: this.history,
    calm: this.calm,
    isListed: () => true,
    processes: this.processes,
    report: ({ rule }) => this.broken.push(rule),
  });

  process(name: string): Observed {
    const started = this.history.instant();
    const process = { name, url: name, started, isUp: true, peers: ["a", "b"] };
    this.processes.push(process);
    return process;
  }

  load(by: Observed): Value {
    const value = { group: 0, key: "key", setBy: undefined, by: by.name, ttlMs: Infinity };
    return this.history.newValue(value);
  }

  begin(kind: "set" | "remove", by: Observed, knew: readonly string[]): Change & { value: Value } {
    const change = this.history.changeBegan({ kind, group: 0, key: "key", by, knew });
    const value = { group: 0, key: "key", setBy: change, by: by.name, ttlMs: Infinity };
    return Object.assign(change, { value: this.history.newValue(value, change.began) });
  }

  end(change: Change, outcome: Change["outcome"] = "resolved"): void {
    change.ended = this.history.instant();
    change.knewThroughout = change.knew;
    change.outcome = outcome;
  }

  /** What rules it breaks if a process then reads a value. */
  read(by: Observed, value: Value): RuleName[] {
    const began = this.history.instant();
    const ended = this.history.instant();
    const sinceMs = began.atMs;
    this.#staleness.check({ kind: "get", group: 0, key: "key", by, began, ended, value, sinceMs });
    return this.broken.splice(0);
  }
}

test("Staleness holds a process to a change that its caller told it of", () => {
  const story = new Story();
  const [a, b] = [story.process("a"), story.process("b")];
  const old = story.load(b);
  const change = story.begin("remove", a, ["a", "b"]);
  const during = story.load(b);
  assertEquals(story.read(b, old), []);
  story.end(change);
  assertEquals(story.read(b, old), ["stale"]);
  assertEquals(story.read(b, during), []);
});

test("Staleness records whether anything moved", () => {
  const story = new Story();
  const [a, b] = [story.process("a"), story.process("b")];
  const old = story.load(b);
  const end = story.calm.disturb("fault");
  story.end(story.begin("remove", a, ["a", "b"]));
  story.nowMs = 1;
  end();
  story.nowMs = 2;
  assertEquals(story.read(b, old), ["stale while moving"]);
});

test("Staleness lets calls of set that overlap come in any order, and no others", () => {
  const story = new Story();
  const a = story.process("a");
  const before = story.begin("set", a, ["a"]);
  story.end(before);
  const first = story.begin("set", a, ["a"]);
  const second = story.begin("set", a, ["a"]);
  story.end(second);
  story.end(first);
  assertEquals(story.read(a, first.value), []);
  assertEquals(story.read(a, second.value), []);
  assertEquals(story.read(a, before.value), ["stale"]);
});

test("Staleness excuses a process that the caller did not know, until all has been calm for long", () => {
  const story = new Story();
  const [a, b] = [story.process("a"), story.process("b")];
  const old = story.load(b);
  const end = story.calm.disturb("lists");
  story.end(story.begin("remove", a, ["a"]));
  assertEquals(story.read(b, old), []);
  end();
  story.nowMs = GRACE_MS - 1;
  assertEquals(story.read(b, old), []);
  story.nowMs = GRACE_MS;
  assertEquals(story.read(b, old), ["stale after return"]);
});

test("Staleness holds a process that started after a change to it", () => {
  const story = new Story();
  const a = story.process("a");
  const old = story.load(a);
  story.end(story.begin("remove", a, ["a"]));
  assertEquals(story.read(story.process("b"), old), ["stale"]);
});

test("Staleness holds nobody to a change that failed until it can have been told", () => {
  const story = new Story();
  const [a, b] = [story.process("a"), story.process("b")];
  const old = story.load(b);
  const end = story.calm.disturb("fault");
  story.end(story.begin("remove", a, ["a", "b"]), "peer-failed");
  assertEquals(story.read(b, old), []);
  end();
  story.nowMs = GRACE_MS;
  assertEquals(story.read(b, old), ["stale after failure"]);
});
