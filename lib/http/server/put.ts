import { viewOf } from "../../byte_view.ts";
import { quote, valueTooLarge } from "../../errors.ts";
import { checkKey } from "../../key.ts";
import { decodeSetRequest, expiryOf } from "../../wire/messages.ts";
import { ENVELOPE_BYTES } from "../peer_limits.ts";
import type { GroupCall } from "./endpoint.ts";
import { doneReply, staleReply } from "./replies.ts";
import { changeNoteOf, parse, readBody } from "./request_body.ts";

/** Puts the value in the request under the key in the request. */
export async function putKey({ group, name, request, host }: GroupCall): Promise<Response> {
  const { maxValueBytes, changes } = host;
  const note = changeNoteOf(request);
  const body = new Uint8Array(await readBody(request, maxValueBytes + ENVELOPE_BYTES));
  const set = parse(() => {
    const set = decodeSetRequest(body);
    checkKey(set.key);
    return set;
  });
  const { key, value } = set;
  if (value.byteLength > maxValueBytes) {
    const received = `${value.byteLength} bytes`;
    throw valueTooLarge(`take the value of ${quote(key)}`, received, maxValueBytes);
  }
  // A sender that gave up has gone on without this process, and may have told others otherwise.
  request.signal.throwIfAborted();
  // The cache may have been closed while the body was read.
  host.group(name);
  if (note === undefined) changes.receiveUnstamped(name, key);
  const outcome = note === undefined ? "yes" : changes.receiveValue(name, key, note);
  if (outcome === "stale") return staleReply(changes.time);
  if (outcome === "yes") {
    group.put(key, { view: viewOf(value), expiresAtMs: expiryOf(set, host.clock) });
  }
  return doneReply();
}
