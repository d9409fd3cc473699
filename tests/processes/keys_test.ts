import { assertEquals } from "@std/assert";
import { type Runtime, runtime, test } from "../runtime.ts";
import { join, type Process, Processes } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

const keys: [name: string, key: string][] = [
  ["plain", "plain"],
  ["a dot", "."],
  ["two dots", ".."],
  ["an escaped dot", "%2e"],
  ["two escaped dots", "%2E%2e"],
  ["steps", "./a/../b"],
  ["a slash within", "a/b"],
  ["a slash", "/"],
  ["two slashes", "//"],
  ["a backslash", "\\"],
  ["a space within", "a b"],
  ["a space", " "],
  ["a plus", "a+b"],
  ["an escaped slash", "%2F"],
  ["a percent sign", "%"],
  ["what is no escape", "%zz"],
  ["a query and a fragment", "?x=1#y"],
  ["a URL", "http://u:p@127.0.0.1:80/?a=b&c=d;e#f"],
  ["an accent", "é"],
  ["an accent of its own", "e\u0301"],
  ["an emoji", "👩‍👩‍👧"],
  ["NUL", "\0"],
  ["controls", "\r\n\t\x7f"],
  ["a byte order mark", "\ufeff"],
  ["60 KiB of text", "é".repeat(30 * 1024)],
  ["as much as there may be", "x".repeat(64 * 1024)],
  ["a name of the protocol", "_get-keys/"],
  ["another one", "_remove-keys/"],
];

for (const [from, to] of [[runtime, runtime], [runtime, other], [other, runtime]] as const) {
  const whoever = `between two processes, ${from} to ${to}`;

  test(`Keys of all kinds arrive as they left ${whoever}`, async () => {
    await using processes = new Processes();
    const [asker, owner] = await processes.startCluster([from, to]);

    await join([asker, owner], owner);
    for (const [name, key] of keys) {
      const outcome = await asker.tell("get", { key });
      assertEquals(outcome, { values: [`value of ${key}`], errors: [] }, name);
    }
    await assertLoaded(asker, owner);

    await join([asker, owner], owner);
    const values = await asker.tell("getMany", { keys: keys.map(([, key]) => key) });
    assertEquals(values.length, keys.length);
    for (const [key, value] of values) assertEquals(value, `value of ${key}`);
    await assertLoaded(asker, owner);
  }, { needs: [from, to] });

  test(`Keys of all kinds are set and removed ${whoever}`, async () => {
    await using processes = new Processes();
    const [asker, owner] = await processes.startCluster([from, to]);
    await join([asker, owner], owner);
    for (const [name, key] of keys) {
      await asker.tell("set", { key, value: `set ${key}` });
      assertEquals(await owner.tell("peek", { key }), `set ${key}`, name);
      await asker.tell("remove", { key });
      assertEquals(await owner.tell("peek", { key }), null, name);
    }
    assertEquals((await owner.tell("state")).loads, []);
  }, { needs: [from, to] });
}

/** All keys were loaded by their owner. */
async function assertLoaded(asker: Process, owner: Process): Promise<void> {
  assertEquals((await asker.tell("state")).loads, []);
  const { loads } = await owner.tell("state");
  assertEquals(loads.toSorted(), keys.map(([, key]) => key).sort());
}
