import { GroupCacheError } from "../../errors.ts";
import { keepOpen } from "../../runtime.ts";
import { CHANNEL_MESSAGES, PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { CHANNEL_GRACE_MS, MAX_CHANNELS_SERVED } from "../peer_limits.ts";
import { ChannelSession } from "./channel_session.ts";
import type { Call } from "./endpoint.ts";

/** Opens a channel: the body of the request and that of the reply go on for as long as it lasts. */
export function openChannel(call: Call): Response {
  const { request, info, host } = call;
  const { channels } = host;
  host.checkOpen();
  if (request.body === null) throw new GroupCacheError("bad-key", "expected a body");
  if (channels.size >= MAX_CHANNELS_SERVED) {
    throw new GroupCacheError("overloaded", `Cannot open channel: ${channels.size} are open`);
  }
  // The channel ends by itself when it is idle.
  keepOpen(request, info);
  const session = new ChannelSession(call, request.body, () => channels.delete(channel));
  const channel = { goAway: () => session.goAway(CHANNEL_GRACE_MS) };
  channels.add(channel);
  session.serve();
  const headers = {
    "content-type": CHANNEL_MESSAGES,
    // nginx then passes each chunk on at once.
    "x-accel-buffering": "no",
    [VERSION]: PROTOCOL_VERSION,
  };
  return new Response(session.output.stream, { headers });
}
