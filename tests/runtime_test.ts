import { assertEquals, assertRejects } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { environment, readText } from "../lib/runtime.ts";
import { test } from "./runtime.ts";

test("readText() reads the current content of a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "groupcache-token-"));
  const token = join(folder, "token");
  for (const text of ["first", "second, längere"]) {
    await writeFile(token, text);
    assertEquals(await readText(token), text);
  }
  await rm(folder, { recursive: true });
  await assertRejects(() => readText(token));
});

test("environment() reads the current value of a variable", () => {
  assertEquals(environment("GROUPCACHE_TEST_NONE"), undefined);
  process.env["GROUPCACHE_TEST_NONE"] = "some";
  assertEquals(environment("GROUPCACHE_TEST_NONE"), "some");
  delete process.env["GROUPCACHE_TEST_NONE"];
});
