import { GroupCacheError, messageOf } from "../../errors.ts";

/** The error of a call to a peer that could not be asked. */
export function peerFailure(url: string, why: string, cause?: unknown): GroupCacheError {
  return new GroupCacheError("peer-failed", `Cannot ask peer ${url}: ${why}`, { cause });
}

/** Anything thrown while a peer was asked, as an error that `Peer` allows. */
export function toPeerError(url: string, thrown: unknown): GroupCacheError {
  return thrown instanceof GroupCacheError ? thrown : peerFailure(url, messageOf(thrown), thrown);
}
