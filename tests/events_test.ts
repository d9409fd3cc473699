import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { GroupCacheError } from "../lib/errors.ts";
import { DiscoveryErrorEvent, LoadErrorEvent, PeerErrorEvent } from "../lib/events.ts";
import { test } from "./runtime.ts";

test("LoadErrorEvent has the key, the group and the error", () => {
  const error = new GroupCacheError("load-failed", "Cannot load", { cause: "the origin is down" });
  const event = new LoadErrorEvent({ group: "pages", key: "index", error });
  assert(event instanceof Event);
  assertEquals(event.type, "load-error");
  assertEquals([event.group, event.key], ["pages", "index"]);
  assertStrictEquals(event.error, error);
});

test("PeerErrorEvent has the peer and the error", () => {
  const error = new GroupCacheError("peer-failed", "Cannot ask peer");
  const event = new PeerErrorEvent({ peer: "http://a:1", error });
  assert(event instanceof Event);
  assertEquals(event.type, "peer-error");
  assertEquals(event.peer, "http://a:1");
  assertStrictEquals(event.error, error);
});

test("DiscoveryErrorEvent has the error", () => {
  const error = new Error("the name server is down");
  const event = new DiscoveryErrorEvent(error);
  assert(event instanceof Event);
  assertEquals(event.type, "discovery-error");
  assertStrictEquals(event.error, error);
});
