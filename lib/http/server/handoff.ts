import { GroupCacheError, quote } from "../../errors.ts";
import { checkKey } from "../../key.ts";
import { decodeHandoff } from "../../wire/handoff.ts";
import { PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { MAX_LIST_BYTES } from "../peer_limits.ts";
import type { GroupCall } from "./endpoint.ts";
import { LiveBody } from "./live_body.ts";
import { checkKeyCount, parse, readText } from "./request_body.ts";

/** Fetches the keys that a peer hands off. The reply ends once that is done. */
export async function acceptHandoff(call: GroupCall): Promise<Response> {
  const { group, name, host } = call;
  const json = await readText(call, MAX_LIST_BYTES);
  const { from, keys } = parse(() => {
    const handoff = decodeHandoff(json);
    checkKeyCount(handoff.keys);
    handoff.keys.forEach(checkKey);
    return handoff;
  });
  // The cache may have been closed while the body was read.
  host.group(name);
  const sender = host.peer(from);
  if (sender === undefined) {
    throw new GroupCacheError("peer-failed", `Cannot accept handoff: ${quote(from)} is not a peer`);
  }
  if (!await host.isLeaving(sender)) {
    throw new GroupCacheError(
      "peer-failed",
      `Cannot accept handoff: ${quote(from)} is not leaving`,
    );
  }
  // The sender waits for the end: the spaces show it that this process is alive.
  const keepalive = new TextEncoder().encode(" ");
  const reply = new LiveBody({ ...host, keepalive, onLeave: () => {} });
  group.acceptHandoff(keys, sender).then(() => reply.end());
  return new Response(reply.stream, { headers: { [VERSION]: PROTOCOL_VERSION } });
}
