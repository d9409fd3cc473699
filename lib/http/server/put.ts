import { viewOf } from "../../byte_view.ts";
import { quote, valueTooLarge } from "../../errors.ts";
import { checkKey } from "../../key.ts";
import type { BorrowedValue } from "../../peer/peer.ts";
import type { ChangeNote } from "../../wire/change_note.ts";
import { fromExpiry } from "../../wire/expiry.ts";
import { decodeSetRequest } from "../../wire/set_request.ts";
import { ANY_KEY, fitsPath, pathOf } from "../paths.ts";
import { ENVELOPE_BYTES } from "../peer_limits.ts";
import { changeNoteOf } from "./change_note.ts";
import type { GroupCall } from "./endpoint.ts";
import { doneReply, staleReply } from "./replies.ts";
import { parse, readBody } from "./request_body.ts";

/** Stores the value in the request under its key. */
export async function putKey(call: GroupCall): Promise<Response> {
  const { name, request, host } = call;
  const { maxValueBytes, changes, clock } = host;
  // What the rest takes is part of what the value has left.
  const receivedAtMs = clock.now();
  const note = await changeNoteOf(call);
  const body = await readBody(call, maxValueBytes + ENVELOPE_BYTES);
  const set = parse(() => {
    const set = decodeSetRequest(body);
    checkKey(set.key);
    checkPath(call, set.key);
    return set;
  });
  const { key, value } = set;
  if (value.byteLength > maxValueBytes) {
    const received = `${value.byteLength} bytes`;
    throw valueTooLarge(`take the value of ${quote(key)}`, received, maxValueBytes);
  }
  // A sender that gave up may have told others otherwise since. With a mark that is noticed without the
  // signal, which Deno takes 30 µs to make.
  if (note?.mark === undefined) request.signal.throwIfAborted();
  // The cache may have been closed while the body was read.
  host.group(name);
  const expiresAtMs = fromExpiry(set, clock, receivedAtMs);
  return storeValue(call, key, note, { value, expiresAtMs })
    ? doneReply(changes)
    : staleReply(changes);
}

/** Stores a value that a peer sets. Returns false if a change of its key may be later. */
export function storeValue(
  { group, name, host: { changes } }: Pick<GroupCall, "group" | "name" | "host">,
  key: string,
  note: ChangeNote | undefined,
  { value, expiresAtMs }: BorrowedValue,
): boolean {
  if (note === undefined) changes.receiveUnstamped(name, key);
  const outcome = note === undefined ? "yes" : changes.receiveValue(name, key, note);
  if (outcome === "yes") group.put(key, { view: viewOf(value), expiresAtMs });
  return outcome !== "stale";
}

/**
 * Checks that the path names the same key as the body, so that rules for paths apply to keys. Only keys
 * that do not fit a path are exempt.
 *
 * @throws {TypeError} If they differ.
 */
function checkPath({ key, request }: GroupCall, keyInBody: string): void {
  if (key === keyInBody) return;
  const path = pathOf(request.url);
  const ownPath = path.slice(0, path.lastIndexOf("/") + 1) + encodeURIComponent(keyInBody);
  if (key === ANY_KEY && !fitsPath(ownPath, keyInBody)) return;
  throw new TypeError(
    `expected the key in the path: received ${quote(keyInBody)} in the body, ${quote(key)} there`,
  );
}
