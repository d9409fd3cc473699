import { assertEquals } from "@std/assert";
import type { LogEntry } from "../../mod.ts";
import { DiscoveryErrorEvent, LoadErrorEvent, PeerErrorEvent } from "../../lib/events.ts";
import { GroupCacheError } from "../../lib/errors.ts";
import { Problems } from "../../lib/problems.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { encodeGetResponse } from "../../lib/wire/get_response.ts";
import { OURS, Setup } from "../http/client/setup.ts";
import { test } from "../runtime.ts";

/** It clears a screen, and begins a line of its own. */
const EVIL = "\u001b[2J\r\n2026-01-01 all is well";
const SHOWN = "\\u001b[2J\\u000d\\u000a2026-01-01 all is well";

const REPLIES: { name: string; reply: () => Response; message: string }[] = [
  {
    name: "a message with an error",
    reply: () =>
      new Response(encodeGetResponse({ error: "load-failed", message: EVIL }), { headers: OURS }),
    message: SHOWN,
  },
  {
    name: "a message with an error of an unknown code",
    reply: () =>
      new Response(encodeGetResponse({ error: EVIL, message: "why" }), { headers: OURS }),
    message: `Cannot ask peer http://peer:8080: ${SHOWN}: why`,
  },
  {
    name: "the status of an error of ours",
    reply: () => {
      const headers = { "groupcache-version": "1", "groupcache-error": "timeout" };
      return new Response(`why${EVIL}`, { status: 503, headers });
    },
    message: `why${SHOWN}`,
  },
  {
    name: "the status of somebody else's error",
    reply: () =>
      new Response(`why${EVIL}`, { status: 500, headers: { "groupcache-version": "1" } }),
    message: `Cannot ask peer http://peer:8080: received status 500: why${SHOWN}`,
  },
];

for (const { name, reply, message } of REPLIES) {
  test(`What a peer says in ${name} is one line without control characters`, async () => {
    const setup = new Setup(reply);
    const error = await setup.clock.until(setup.get().catch((error) => error));
    assertEquals(error.message, message);
  });
}

test("A log gets one line without control characters for each problem", () => {
  const entries: LogEntry[] = [];
  const log = (entry: LogEntry) => void entries.push(entry);
  const problems = new Problems({ clock: new VirtualClock(), log, isHeard: () => false });
  const error = new GroupCacheError("peer-failed", EVIL);
  problems.note(new PeerErrorEvent({ peer: "http://b:1", error }));
  problems.note(new LoadErrorEvent({ group: "texts", key: "key", error }));
  problems.note(new DiscoveryErrorEvent(error));
  assertEquals(entries.map(({ message }) => /\p{Cc}/u.test(message)), [false, false, false]);
});
