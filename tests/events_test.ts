import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { GroupCacheError } from "../lib/errors.ts";
import { DiscoveryErrorEvent, LoadErrorEvent, PeerErrorEvent } from "../lib/events.ts";
import { test } from "./runtime.ts";

test("LoadErrorEvent says which key of which group, and why", () => {
  const error = new GroupCacheError("load-failed", "Cannot load", { cause: "the origin is down" });
  const event = new LoadErrorEvent({ group: "pages", key: "index", error });
  assert(event instanceof Event);
  assertEquals(event.type, "load-error");
  assertEquals([event.group, event.key], ["pages", "index"]);
  assertStrictEquals(event.error, error);
});

test("PeerErrorEvent says which peer, and why", () => {
  const error = new GroupCacheError("peer-failed", "Cannot ask peer");
  const event = new PeerErrorEvent({ peer: "http://a:1", error });
  assert(event instanceof Event);
  assertEquals(event.type, "peer-error");
  assertEquals(event.peer, "http://a:1");
  assertStrictEquals(event.error, error);
});

test("DiscoveryErrorEvent says why there is no new list of peers", () => {
  const error = new Error("the name server is down");
  const event = new DiscoveryErrorEvent(error);
  assert(event instanceof Event);
  assertEquals(event.type, "discovery-error");
  assertStrictEquals(event.error, error);
});
