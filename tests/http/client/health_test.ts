import { assert, assertEquals } from "@std/assert";
import { dialectOf } from "../../../lib/http/dialect.ts";
import type { GoDialect } from "../../../lib/placement/placement.ts";
import { test } from "../../runtime.ts";
import { never, Setup } from "./setup.ts";

const HEALTHY: { name: string; reply: () => Response; isDown: boolean; dialect?: GoDialect }[] = [
  {
    name: "does not know the group",
    reply: () => errorReply(421, "peer-failed"),
    isDown: false,
  },
  { name: "finds nothing", reply: () => errorReply(404, "not-found"), isDown: false },
  { name: "cannot load", reply: () => errorReply(503, "load-failed"), isDown: false },
  { name: "is closed", reply: () => errorReply(421, "closed"), isDown: true },
  { name: "is no peer", reply: () => new Response("<html>", { status: 404 }), isDown: true },
  {
    name: "has a proxy's error page",
    reply: () => new Response("", { status: 502 }),
    isDown: true,
  },
  {
    name: "is one of Go whose loader fails",
    reply: () => new Response("", { status: 500 }),
    isDown: false,
    dialect: "golang",
  },
  {
    name: "is one of Go behind a proxy that cannot reach it",
    reply: () => new Response("", { status: 504 }),
    isDown: true,
    dialect: "golang",
  },
];

function errorReply(status: number, code: string): Response {
  const headers = { "groupcache-version": "1", "groupcache-error": code };
  return new Response("no", { status, headers });
}

for (const { name, reply, isDown, dialect } of HEALTHY) {
  test(`HttpPeer ${isDown ? "gives up" : "goes on asking"} a peer that ${name}`, async () => {
    const setup = new Setup(reply, { dialect: dialectOf(dialect) });
    for (let i = 0; i < 40; i++) await setup.get(`key ${i}`).catch(() => {});
    assertEquals(setup.peer.health.isOpen, isDown);
  });
}

test("HttpPeer does not blame a peer for callers who leave", async () => {
  const setup = new Setup(never);
  for (let i = 0; i < 40; i++) {
    const caller = new AbortController();
    const call = setup.get(`key ${i}`, { signal: caller.signal }).catch(() => {});
    await setup.clock.advance(0);
    caller.abort();
    await call;
  }
  assertEquals(setup.peer.health.isOpen, false);
});

test("HttpPeer gives a Go peer with a slow loader up only for failing again and again", async () => {
  const setup = new Setup(never, { dialect: dialectOf("golang"), peerTimeoutMs: 2000 });
  for (let i = 0; i < 4; i++) await setup.failure(setup.get(`key ${i}`));
  assertEquals(setup.peer.health.isOpen, false);
  await setup.failure(setup.get("one more"));
  assert(setup.peer.health.isOpen);
});
