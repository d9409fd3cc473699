import { viewOf } from "../byte_view.ts";
import { checkKey } from "../key.ts";
import type { PeerSide } from "../peer/peer.ts";
import { decodeSetRequest } from "../wire/messages.ts";
import { parse } from "./parse.ts";
import { doneReply } from "./replies.ts";

/** Puts the value that a request holds under the key that it holds. */
export async function answerPut(group: PeerSide, request: Request): Promise<Response> {
  const body = new Uint8Array(await request.arrayBuffer());
  const { key, value, expiresAtMs } = parse(() => {
    const set = decodeSetRequest(body);
    checkKey(set.key);
    return set;
  });
  group.put(key, { view: viewOf(value), expiresAtMs });
  return doneReply();
}

/** Drops a key. */
export function answerDelete(group: PeerSide, key: string): Response {
  parse(() => checkKey(key));
  group.drop(key);
  return doneReply();
}

/** Drops the keys that a request lists. */
export async function answerRemoveKeys(group: PeerSide, request: Request): Promise<Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const keys = parse(() => {
    const keys = (body as { keys?: unknown } | undefined)?.keys;
    if (!Array.isArray(keys)) throw new TypeError('expected JSON as {"keys": ["…"]}');
    keys.forEach(checkKey);
    return keys as string[];
  });
  for (const key of keys) group.drop(key);
  return doneReply();
}
