import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { Setup } from "./setup.ts";

function handoff(setup: Setup, body: unknown): Promise<Response> {
  const json = JSON.stringify(body);
  return setup.send("/_groupcache/group/_handoff-keys/", { method: "POST", body: json });
}

test("POST _handoff-keys has the keys taken over, and ends when that is done", async () => {
  const setup = new Setup();
  const reply = await handoff(setup, { from: "http://giver:1", keys: ["a", "b"] });
  assertEquals(reply.status, 200);
  assertEquals(setup.group.taken, ["a of http://giver:1", "b of http://giver:1"]);
  let hasEnded = false;
  const text = reply.text().then((text) => {
    hasEnded = true;
    return text;
  });
  await setup.clock.advance(600);
  assertEquals(hasEnded, false);
  setup.group.handoffs.resolve();
  assertEquals((await text).trim(), "");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _handoff-keys of somebody who is no peer is refused", async () => {
  const setup = new Setup();
  const reply = await handoff(setup, { from: "http://stranger:1", keys: ["a"] });
  assertEquals(reply.headers.get("groupcache-error"), "peer-failed");
  assertEquals(setup.group.taken, []);
});

test("POST _handoff-keys of a peer that does not leave is refused", async () => {
  const setup = new Setup();
  const reply = await handoff(setup, { from: "http://stays:1", keys: ["a"] });
  assertEquals(reply.headers.get("groupcache-error"), "peer-failed");
  assertEquals(setup.group.taken, []);
});

for (
  const body of [undefined, null, [], { from: 1, keys: [] }, { from: "x" }, {
    from: "x",
    keys: [1],
  }]
) {
  test(`POST _handoff-keys of ${JSON.stringify(body)} is refused`, async () => {
    const reply = await handoff(new Setup(), body);
    assertEquals([reply.status, reply.headers.get("groupcache-error")], [400, "bad-key"]);
  });
}
