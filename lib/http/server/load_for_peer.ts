import { GroupCacheError, quote } from "../../errors.ts";
import type { EncodedValue } from "../../peer/peer.ts";
import { TIMEOUT, TRACEPARENT } from "../headers.ts";
import type { GroupCall } from "./endpoint.ts";
import { checkMaySend } from "./replies.ts";

/** A load for a peer. */
export interface LoadForPeer {
  readonly value: Promise<EncodedValue>;
  /** Abort this when the peer stops waiting. */
  readonly waiter: AbortController;
}

/** Options for {@linkcode loadForPeer}. */
export interface LoadForPeerOptions {
  /** How long the peer waits, in milliseconds. */
  readonly timeoutMs: number;
  /** The trace that the peer's call belongs to. */
  readonly traceparent: string | undefined;
}

/** Loads a key for as long as the peer waits. */
export function loadForPeer(
  { group, host, admission }: Pick<GroupCall, "group" | "host" | "admission">,
  key: string,
  { timeoutMs, traceparent }: LoadForPeerOptions,
): LoadForPeer {
  const { clock, maxValueBytes } = host;
  const waiter = new AbortController();
  const value = group.load(key, waiter.signal, traceparent).then((value) => {
    checkMaySend(key, value.view.size, maxValueBytes);
    return value;
  }, (error) => {
    throw admission.isProved ? error : withoutText(error, key);
  });
  if (!(timeoutMs > 0 && timeoutMs < Infinity)) return { waiter, value };
  const timer = clock.setTimeout(() => {
    waiter.abort(new GroupCacheError("timeout", `Cannot load: no result in ${timeoutMs} ms`));
  }, timeoutMs);
  return { waiter, value: value.finally(() => clock.clearTimeout(timer)) };
}

/** What a request for one key says of its load. */
export function loadOptionsOf({ headers }: Request): LoadForPeerOptions {
  return { timeoutMs: timeoutMsOf(headers), traceparent: headers.get(TRACEPARENT) ?? undefined };
}

/** How long the sender of a request is willing to wait for a load, in milliseconds. */
export function timeoutMsOf(headers: Headers): number {
  return Number(headers.get(TIMEOUT) ?? Infinity);
}

/**
 * The part of a loader's error that any client may see. The message of the loader is only for peers,
 * because it may contain hosts, users and passwords.
 */
function withoutText(error: unknown, key: string): GroupCacheError {
  const code = error instanceof GroupCacheError ? error.code : "load-failed";
  return new GroupCacheError(code, `Cannot load ${quote(key)}: ${code}`);
}
