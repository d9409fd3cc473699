import { GroupCacheError } from "../../errors.ts";
import type { EncodedValue, PeerBackend } from "../../peer/peer.ts";
import type { GetContext } from "./get.ts";
import { TIMEOUT } from "../headers.ts";
import { checkMaySend } from "./replies.ts";

/** A load that a peer waits for. */
export interface LoadForPeer {
  readonly value: Promise<EncodedValue>;
  /** To be aborted when the peer has gone. */
  readonly waiter: AbortController;
}

/** Lets a group load, for no longer than the peer that sent `request` is ready to wait. */
export function loadForPeer(
  group: PeerBackend,
  key: string,
  { request, clock, maxValueBytes }: GetContext,
): LoadForPeer {
  const waiter = new AbortController();
  const value = group.load(key, waiter.signal).then((value) => {
    checkMaySend(key, value.view.size, maxValueBytes);
    return value;
  });
  const timeoutMs = Number(request.headers.get(TIMEOUT) ?? Infinity);
  if (!(timeoutMs > 0 && timeoutMs < Infinity)) return { waiter, value };
  const timer = clock.setTimeout(() => {
    waiter.abort(new GroupCacheError("timeout", `Cannot load: no result in ${timeoutMs} ms`));
  }, timeoutMs);
  return { waiter, value: value.finally(() => clock.clearTimeout(timer)) };
}
