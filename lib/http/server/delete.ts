import { checkKey } from "../../key.ts";
import type { ChangeNote } from "../../wire/change_note.ts";
import { changeNoteOf } from "./change_note.ts";
import type { RemovalCall } from "./endpoint.ts";
import { doneReply } from "./replies.ts";
import { parse } from "./request_body.ts";

/** Drops the key in the path. */
export function deleteKey(call: RemovalCall): Response | Promise<Response> {
  parse(() => checkKey(call.key));
  const note = changeNoteOf(call);
  return note instanceof Promise ? note.then((note) => drop(call, note)) : drop(call, note);
}

function drop({ name, key, host: { changes } }: RemovalCall, note: ChangeNote | undefined) {
  if (note === undefined) changes.receiveUnstamped(name, key);
  else changes.receive(name, key, note);
  return doneReply(changes);
}
