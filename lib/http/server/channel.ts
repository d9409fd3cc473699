import { GroupCacheError } from "../../errors.ts";
import { keepOpen } from "../../runtime.ts";
import { CHANNEL_MESSAGES, PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { detached } from "../../tracer.ts";
import { CHANNEL_GRACE_MS, MAX_CHANNELS_SERVED } from "../peer_limits.ts";
import { ChannelSession } from "./channel_session.ts";
import type { Call } from "./endpoint.ts";

/** Opens a channel: the bodies of the request and the reply last for as long as the channel. */
export function openChannel(call: Call): Response {
  const { request, info, host } = call;
  const { channels } = host;
  host.checkOpen();
  if (request.body === null) throw new GroupCacheError("bad-key", "expected a body");
  if (channels.size >= MAX_CHANNELS_SERVED) {
    throw new GroupCacheError("overloaded", `Cannot open channel: ${channels.size} are open`);
  }
  // An idle channel ends by itself.
  keepOpen(request, info);
  const session = new ChannelSession(call, request.body, () => channels.delete(channel));
  const channel = { goAway: () => session.goAway(CHANNEL_GRACE_MS) };
  channels.add(channel);
  // The loads of all its keys do not belong to the request that opens it.
  detached(host.tracer, () => session.serve());
  const headers = {
    "content-type": CHANNEL_MESSAGES,
    // Makes nginx forward each chunk at once.
    "x-accel-buffering": "no",
    [VERSION]: PROTOCOL_VERSION,
  };
  return new Response(session.output.stream, { headers });
}
