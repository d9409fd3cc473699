import { assert } from "@std/assert";
import { type Group, GroupCache, GroupCacheError, text } from "@groupcache/groupcache";
import { VirtualClock } from "@groupcache/groupcache/testing";
import { MemoryNetwork } from "../../../lib/testing/memory_network.ts";
import { CHANNEL_PATH } from "../../../lib/http/paths.ts";
import { mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import type { FuzzTarget } from "../target.ts";
import { GROUP, KEYS, load, OTHER, SELF } from "./recording.ts";

/** The client of a channel whose replies are changed once it is open. Calls settle, in virtual time. */
export const channelClient: FuzzTarget = {
  name: "channel client",
  weight: 0.3,
  async run(random) {
    const clock = new VirtualClock();
    const network = new MemoryNetwork(clock);
    const common = { peers: [SELF, OTHER], clock, log: false as const };
    await using server = new GroupCache({ ...common, self: OTHER, fetch: network.fetch });
    network.listen(OTHER, server.fetch);
    server.group(GROUP, { maxBytes: 1 << 20, codec: text, load });
    let isBroken = false;
    let hasOpened = false;
    const fetch = async (url: string, init?: RequestInit): Promise<Response> => {
      const response = await network.fetch(url, init);
      if (!url.endsWith(CHANNEL_PATH) || response.body === null) return response;
      hasOpened = true;
      const body = response.body.pipeThrough(breaking(random, () => isBroken));
      return new Response(body, { status: response.status, headers: response.headers });
    };
    await using client = new GroupCache({ ...common, self: SELF, fetch });
    const group = client.group(GROUP, { maxBytes: 1 << 20, codec: text, load });
    for (let round = 0; round < 5; round++) {
      isBroken = round >= 3;
      if (isBroken) assert(hasOpened, "no channel was opened");
      const keys = Array.from({ length: 6 }, () => random.pick(KEYS));
      const calls = keys.map((key) => call(group, key, random).catch(check));
      await clock.until(Promise.all(calls));
      await clock.advance(5);
    }
  },
};

function call(group: Group<string>, key: string, random: Random): Promise<unknown> {
  if (random.oneIn(4)) return group.set(key, "value");
  return random.oneIn(4) ? group.remove(key) : group.get(key);
}

function check(error: unknown): void {
  if (!(error instanceof GroupCacheError)) throw error;
}

/** Changes some chunks, drops some, and sends some twice. */
function breaking(
  random: Random,
  isBroken: () => boolean,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(chunk, controller) {
      if (!isBroken() || random.oneIn(3)) return controller.enqueue(chunk);
      if (random.oneIn(10)) return;
      if (random.oneIn(10)) controller.enqueue(chunk);
      controller.enqueue(mutateBytes(chunk, random));
    },
  });
}
