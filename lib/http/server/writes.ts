import { viewOf } from "../../byte_view.ts";
import { quote, valueTooLarge } from "../../errors.ts";
import { checkKey } from "../../key.ts";
import type { PeerBackend } from "../../peer/peer.ts";
import { decodeSetRequest } from "../../wire/messages.ts";
import { ENVELOPE_BYTES, MAX_LIST_BYTES } from "../body_bounds.ts";
import { checkKeyCount } from "../key_list.ts";
import { parse } from "./parse.ts";
import { doneReply } from "./replies.ts";
import { readBody, readText } from "./request_body.ts";

/** Puts the value that a request holds under the key that it holds. */
export async function answerPut(
  group: PeerBackend,
  request: Request,
  maxValueBytes: number,
): Promise<Response> {
  const body = new Uint8Array(await readBody(request, maxValueBytes + ENVELOPE_BYTES));
  const { key, value, expiresAtMs } = parse(() => {
    const set = decodeSetRequest(body);
    checkKey(set.key);
    return set;
  });
  if (value.byteLength > maxValueBytes) {
    throw valueTooLarge(
      `take the value of ${quote(key)}`,
      `${value.byteLength} bytes`,
      maxValueBytes,
    );
  }
  group.put(key, { view: viewOf(value), expiresAtMs });
  return doneReply();
}

/** Drops a key. */
export function answerDelete(group: PeerBackend, key: string): Response {
  parse(() => checkKey(key));
  group.drop(key);
  return doneReply();
}

/** Drops the keys that a request lists. */
export async function answerRemoveKeys(group: PeerBackend, request: Request): Promise<Response> {
  const json = await readText(request, MAX_LIST_BYTES);
  const keys = parse(() => {
    const keys = decodeKeys(json);
    checkKeyCount(keys);
    keys.forEach(checkKey);
    return keys;
  });
  for (const key of keys) group.drop(key);
  return doneReply();
}

function decodeKeys(json: string): string[] {
  let keys: unknown;
  try {
    keys = Object(JSON.parse(json)).keys;
  } catch {
    // As if there were none.
  }
  if (Array.isArray(keys)) return keys;
  throw new TypeError('expected JSON as {"keys": ["…"]}');
}
