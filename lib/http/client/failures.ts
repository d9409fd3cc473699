import {
  decodeDetails,
  GroupCacheError,
  type GroupCacheErrorCode,
  isErrorCode,
  messageOf,
  printable,
  valueTooLarge,
} from "../../errors.ts";
import { adviceForSilence } from "./advice.ts";

/** Errors that are a peer's answer about a key. Any other error means that it could not be asked. */
const ANSWERS: ReadonlySet<GroupCacheErrorCode> = new Set<GroupCacheErrorCode>([
  "not-found",
  "load-failed",
  "timeout",
  "bad-key",
  "too-large",
  "overloaded",
]);

/** The error of a call to a peer that could not be asked. */
export function peerFailure(url: string, why: string, cause?: unknown): GroupCacheError {
  return new GroupCacheError("peer-failed", `Cannot ask peer ${url}: ${why}`, { cause });
}

/** Anything thrown while a peer was asked, as an error that `Peer` allows. */
export function toPeerError(url: string, thrown: unknown): GroupCacheError {
  return thrown instanceof GroupCacheError
    ? thrown
    : peerFailure(url, withAdvice(url, reasonOf(thrown)), thrown);
}

/** The message, and that of its cause: runtimes say no more than "fetch failed" in the first. */
function reasonOf(thrown: unknown): string {
  const message = messageOf(thrown);
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error ? `${message}: ${messageOf(cause)}` : message;
}

function withAdvice(url: string, message: string): string {
  const advice = adviceForSilence(url, message);
  return advice === "" ? message : `${message}; ${advice}`;
}

/** An error that a peer sent. */
export function receivedError(
  url: string,
  code: string,
  { why = "no reason given", details }: { why?: string | undefined; details?: string | undefined },
): GroupCacheError {
  if (isErrorCode(code) && ANSWERS.has(code)) {
    return new GroupCacheError(code, printable(why), { details: decodeDetails(details) });
  }
  return peerFailure(url, printable(`${code}: ${why}`));
}

/** The error of a value that is too large. It says nothing about other keys. */
export function replyTooLarge(
  url: string,
  received: string,
  maxValueBytes: number,
): GroupCacheError {
  return valueTooLarge(`take the reply of peer ${url}`, received, maxValueBytes);
}
