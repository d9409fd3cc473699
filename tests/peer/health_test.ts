import { assert, assertEquals } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { PeerHealth } from "../../lib/peer/health.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const FAILED = new GroupCacheError("peer-failed", "Cannot ask peer: refused");

function setUp({ showsLife = true } = {}) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const health = new PeerHealth({
    url: "http://a:1",
    clock,
    random: () => 0,
    peerTimeoutMs: 10_000,
    showsLife,
    probe: () => Promise.resolve(true),
    onDown: ({ message }) => events.push(message),
    onUp: () => events.push("up"),
  });
  return { clock, health, events };
}

test("PeerHealth gives up a peer that fails while it is silent, but not one that answers others", async () => {
  const { clock, health, events } = setUp();
  const askedAtMs = clock.now();
  await clock.advance(health.silenceLimitMs - 1);
  health.failed(FAILED, askedAtMs);
  assert(health.admits());
  health.answered(askedAtMs, { showsLife: true });
  await clock.advance(1);
  health.failed(FAILED, askedAtMs);
  assert(health.admits(), "another request was answered");
  await clock.advance(health.silenceLimitMs);
  health.failed(FAILED, askedAtMs);
  assertEquals(health.isOpen, true);
  assertEquals(events, [FAILED.message]);
});

test("PeerHealth lets a peer that shows no life while it loads be silent", async () => {
  const { clock, health } = setUp({ showsLife: false });
  const askedAtMs = clock.now();
  await clock.advance(10_000);
  assertEquals(health.isSilent(askedAtMs), false);
  health.answered(askedAtMs, { showsLife: true });
  await clock.advance(health.silenceLimitMs);
  assertEquals(health.isSilent(askedAtMs), true, "it has turned out to be one that does");
});

test("PeerHealth gives up a peer that says it is closed", () => {
  const { health, events } = setUp();
  health.closed(FAILED);
  assertEquals([health.isOpen, health.isGone, health.isLeaving], [true, true, false]);
  assertEquals(events, [FAILED.message]);
});

test("PeerHealth keeps a leaving peer for peeks until one of them fails", () => {
  const { health, events } = setUp();
  health.peekFailed();
  assertEquals(health.isGone, false, "it was not leaving");
  health.leaving();
  assertEquals([health.isOpen, health.isLeaving, health.isGone], [true, true, false]);
  health.peekFailed();
  assertEquals([health.isLeaving, health.isGone], [false, true]);
  assertEquals(events, ["Cannot ask peer http://a:1: it is leaving"]);
});

test("PeerHealth takes a new process in place of one that left for one that serves, until it leaves", () => {
  const { health } = setUp();
  assertEquals(health.servesNobody, false);
  health.mayBeBack();
  health.closed(FAILED);
  assertEquals(health.servesNobody, true, "that was no news");
  health.mayBeBack();
  assertEquals(health.servesNobody, false);
  health.closed(FAILED);
  assertEquals(health.servesNobody, true);
});

test("PeerHealth uses a peer that has just started at once, and leaves any other to a probe", async () => {
  const { clock, health, events } = setUp();
  health.closed(FAILED);
  health.here({ isNew: false });
  assertEquals([health.isOpen, health.isGone], [true, false]);
  health.here({ isNew: true });
  assertEquals(health.isOpen, false);
  health.closed(FAILED);
  health.here({ isNew: false });
  await clock.advance(3000);
  assertEquals(health.admits(), false, "the probe has just begun");
  await clock.advance(0);
  assertEquals(health.admits(), true);
  assertEquals(events, [FAILED.message, "up", FAILED.message, "up"]);
});

test("PeerHealth calls a peer late until it is heard again", async () => {
  const { clock, health } = setUp();
  assertEquals(health.isLate, false);
  health.peekWasLate();
  assertEquals(health.isLate, true);
  await clock.advance(1);
  health.heard();
  assertEquals(health.isLate, false);
});
