import { checkKey } from "../../key.ts";
import type { RemovalCall } from "./endpoint.ts";
import { doneReply } from "./replies.ts";
import { changeNoteOf, parse } from "./request_body.ts";

/** Drops the key in the path. */
export function deleteKey({ name, key, request, host: { changes } }: RemovalCall): Response {
  const note = changeNoteOf(request);
  parse(() => checkKey(key));
  if (note === undefined) changes.receiveUnstamped(name, key);
  else changes.receive(name, key, note);
  return doneReply();
}
