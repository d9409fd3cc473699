import { checkKey } from "../../key.ts";
import { MAX_LIST_BYTES } from "../peer_limits.ts";
import type { GroupCall } from "./endpoint.ts";
import { doneReply } from "./replies.ts";
import { checkKeyCount, parse, readText } from "./request_body.ts";

/** Drops the keys that the request lists. */
export async function removeKeys({ group, request }: GroupCall): Promise<Response> {
  const json = await readText(request, MAX_LIST_BYTES);
  for (const key of parse(() => decodeKeys(json))) group.drop(key);
  return doneReply();
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
