import { assert, assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import { charReader, KEY_CHARS_MODULE } from "../../lib/store/key_chars.ts";
import { isDeno, test } from "../runtime.ts";
import { assemble } from "./wat.ts";

test("KEY_CHARS_MODULE is what key_chars.wat assembles to", async () => {
  const source = await readFile(new URL("../../lib/store/key_chars.wat", import.meta.url), "utf8");
  assertEquals(KEY_CHARS_MODULE, assemble(source));
});

test("charReader() reads short ASCII keys on Deno, and tells them from others", () => {
  const reader = charReader();
  assertEquals(reader !== undefined, isDeno);
  if (reader === undefined) return;
  const bytes = () => [...new Uint8Array(reader.words.buffer).slice(0, 8)];
  assert(reader.read("user:42!") < 0x80);
  assertEquals(bytes(), [...new TextEncoder().encode("user:42!")]);
  assert(reader.read("user:") < 0x80);
  assertEquals(bytes().slice(4), [0x3a, 0, 0, 0]);
  assert(reader.read("a".repeat(reader.maxChars)) < 0x80);
  assert(reader.read("é") >= 0x80);
});
