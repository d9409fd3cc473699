import type { Clock } from "../../timing/clock.ts";
import { GroupCacheError, quote } from "../../errors.ts";
import { checkKey } from "../../key.ts";
import type { Peer, PeerBackend } from "../../peer/peer.ts";
import { decodeHandoff } from "../../wire/handoff.ts";
import { MAX_LIST_BYTES } from "../body_bounds.ts";
import { PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { checkKeyCount } from "../key_list.ts";
import { LiveBody } from "./live_body.ts";
import { parse } from "./parse.ts";
import { readText } from "./request_body.ts";

/** What an offer is answered with. */
export interface HandoffContext {
  readonly clock: Clock;
  /** The peer of a URL, if there is one. */
  readonly peer: (url: string) => Peer | undefined;
}

/** Fetches what a peer hands over. The reply ends when that is done. */
export async function answerHandoff(
  group: PeerBackend,
  request: Request,
  { clock, peer }: HandoffContext,
): Promise<Response> {
  const json = await readText(request, MAX_LIST_BYTES);
  const { from, keys } = parse(() => {
    const offer = decodeHandoff(json);
    checkKeyCount(offer.keys);
    offer.keys.forEach(checkKey);
    return offer;
  });
  const giver = peer(from);
  if (giver === undefined) {
    throw new GroupCacheError("peer-failed", `Cannot take over keys: ${quote(from)} is no peer`);
  }
  // Whoever gives waits to hear that it is taken, and must not take a silent peer for dead.
  const reply = new LiveBody(clock, new TextEncoder().encode(" "), () => {});
  group.acceptHandoff(keys, giver).then(() => reply.end());
  return new Response(reply.stream, { headers: { [VERSION]: PROTOCOL_VERSION } });
}
