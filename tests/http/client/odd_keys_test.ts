import { assertEquals } from "@std/assert";
import type { Fetch } from "../../../lib/runtime.ts";
import { PeerHandler } from "../../../lib/http/server/handler.ts";
import { checkLimits } from "../../../lib/http/peer_limits.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { fakeChanges } from "../../fake_changes.ts";
import { ODD_KEYS } from "../../odd_keys.ts";
import { test } from "../../runtime.ts";
import { openDoor } from "../server/open_door.ts";
import { never, Setup, VALUE } from "./setup.ts";

for (const { name: keyName, key } of ODD_KEYS) {
  for (const plusIsSpace of [false, true]) {
    const name = plusIsSpace ? `${keyName}, where a plus is a space` : keyName;
    test(`HttpPeer and PeerHandler agree on ${name}`, async () => {
      const received: string[] = [];
      const handler = new PeerHandler({
        ...openDoor(new VirtualClock()),
        basePath: "/_groupcache/",
        instanceId: "server",
        plusIsSpace,
        changes: fakeChanges((key) => received.push(`drop ${key}`)),
        limits: checkLimits({}),
        checkOpen: () => {},
        confirmTime: () => undefined,
        peer: () => undefined,
        greet: (hello) => Promise.resolve(hello),
        isLeaving: () => Promise.resolve(true),
        report: (question) => ({ question }),
        group: () => ({
          loadsTogether: false,
          count: () => 0,
          find: () => undefined,
          hold: () => undefined,
          load: (key) => {
            received.push(`load ${key}`);
            return Promise.resolve(VALUE);
          },
          put: (key) => received.push(`put ${key}`),
          acceptHandoff: never,
        }),
      });
      const fetch: Fetch = async (url, init) =>
        await handler.handle(new Request(url, init), undefined) as Response;
      const { peer } = new Setup(never, { fetch });
      assertEquals((await peer.get("group", key)).view.text(), "hello");
      await peer.set("group", key, VALUE);
      await peer.remove("group", key);
      // A value that is put drops what was there before.
      assertEquals(received, [
        `load ${key}`,
        `drop ${key}`,
        `put ${key}`,
        `drop ${key}`,
      ]);
    });
  }
}
