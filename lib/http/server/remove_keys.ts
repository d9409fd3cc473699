import { checkKey } from "../../key.ts";
import { MAX_LIST_BYTES } from "../peer_limits.ts";
import { changeNoteOf } from "./change_note.ts";
import type { RemovalCall } from "./endpoint.ts";
import { doneReply } from "./replies.ts";
import { checkKeyCount, parse, readText } from "./request_body.ts";

/** Drops the keys that the request lists. */
export async function removeKeys(call: RemovalCall): Promise<Response> {
  const { name, host } = call;
  const note = await changeNoteOf(call);
  const json = await readText(call, MAX_LIST_BYTES);
  const keys = parse(() => decodeKeys(json));
  // The cache may have been closed while the body was read.
  host.group(name);
  for (const key of keys) {
    if (note === undefined) host.changes.receiveUnstamped(name, key);
    else host.changes.receive(name, key, note);
  }
  return doneReply(host.changes);
}

function decodeKeys(json: string): string[] {
  let keys: unknown;
  try {
    keys = Object(JSON.parse(json)).keys;
  } catch {
    // Reported below.
  }
  if (!Array.isArray(keys)) throw new TypeError('expected JSON such as {"keys": ["…"]}');
  checkKeyCount(keys);
  keys.forEach(checkKey);
  return keys;
}
