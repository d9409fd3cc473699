import { type ChangeNote, decodeChangeNote } from "../../wire/change_note.ts";
import { CHANGE } from "../headers.ts";
import type { Call } from "./endpoint.ts";
import { parse } from "./request_body.ts";

/**
 * Reads the note about a change from a request; undefined if it comes from a Go peer. A time that only a
 * peer may say is confirmed first.
 *
 * @throws {GroupCacheError} With code `bad-key` if it is malformed, or `peer-failed` if it is not
 * confirmed.
 */
export function changeNoteOf(
  { request, admission, host }: Call,
): ChangeNote | undefined | Promise<ChangeNote> {
  const text = request.headers.get(CHANGE);
  if (text === null) return undefined;
  const note = parse(() => decodeChangeNote(text));
  const { time, origin } = note.stamp;
  const confirmed = admission.isProved ? undefined : host.confirmTime(time, origin);
  return confirmed?.then(() => note) ?? note;
}
