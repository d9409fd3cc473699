import { assertEquals, assertThrows } from "@std/assert";
import { decodeChangeNote, encodeChangeNote } from "../../lib/wire/change_note.ts";
import { test } from "../runtime.ts";

const NOTE = { stamp: { time: 7, origin: "me" }, list: "list", settledTime: 6 };

test("A change's note arrives as it left, with and without the peer that was told first", () => {
  const notes = [{ ...NOTE, knownBy: "http://a:1" }, { ...NOTE, knownBy: undefined }];
  for (const note of notes) assertEquals(decodeChangeNote(encodeChangeNote(note)), note);
});

test("decodeChangeNote() refuses what cannot be a note", () => {
  for (
    const text of ["", "1", "1 me", "1  list 0", "-1 me list 0", "NaN me list 0", "1 me list x"]
  ) {
    assertThrows(() => decodeChangeNote(text), TypeError, "expected a change's time");
  }
});
