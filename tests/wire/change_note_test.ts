import { assertEquals, assertThrows } from "@std/assert";
import { decodeChangeNote, encodeChangeNote, NO_MARK } from "../../lib/wire/change_note.ts";
import { test } from "../runtime.ts";

const NOTE = { stamp: { time: 7, origin: "me" }, list: "list", settledTime: 6 };

test("A change's note arrives as it left, with and without the peer that was told first and a mark", () => {
  const notes = [undefined, "http://a:1"].flatMap((knownBy) => [
    { ...NOTE, knownBy },
    { ...NOTE, knownBy, mark: "giver.7" },
    { ...NOTE, knownBy, mark: NO_MARK },
  ]);
  for (const note of notes) assertEquals(decodeChangeNote(encodeChangeNote(note)), note);
});

test("decodeChangeNote() refuses what cannot be a note", () => {
  for (
    const text of [
      "",
      "1",
      "1 me",
      "1  list 0",
      "-1 me list 0",
      "NaN me list 0",
      "1 me list x",
      "1 me list 0 - a;b",
      `1 ${"x".repeat(65)} list 0`,
      `1 me ${"x".repeat(65)} 0`,
      `1 me list 0 http://${"x".repeat(1024)}:1`,
    ]
  ) {
    assertThrows(() => decodeChangeNote(text), TypeError, "expected a change's time");
  }
});
