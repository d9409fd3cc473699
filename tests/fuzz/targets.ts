import type { FuzzTarget } from "./target.ts";
import { channel } from "./targets/channel.ts";
import { channelClient } from "./targets/channel_client.ts";
import { client } from "./targets/client.ts";
import { discovery } from "./targets/discovery.ts";
import { frames } from "./targets/frames.ts";
import { handler } from "./targets/handler.ts";
import { messages } from "./targets/messages.ts";
import { paths } from "./targets/paths.ts";

/** Everything that is fuzzed. */
export const TARGETS: readonly FuzzTarget[] = [
  messages,
  frames,
  paths,
  handler,
  channel,
  channelClient,
  client,
  discovery,
];
