import { checkKey } from "../../key.ts";
import type { GroupCall } from "./endpoint.ts";
import { doneReply } from "./replies.ts";
import { parse } from "./request_body.ts";

/** Drops the key in the path. */
export function deleteKey({ group, key }: GroupCall): Response {
  parse(() => checkKey(key));
  group.drop(key);
  return doneReply();
}
