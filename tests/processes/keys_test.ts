import { assertEquals } from "@std/assert";
import { ODD_KEYS } from "../odd_keys.ts";
import { type Runtime, runtime, test } from "../runtime.ts";
import { join, type Process, Processes } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

for (const [from, to] of [[runtime, runtime], [runtime, other], [other, runtime]] as const) {
  const where = `between two processes, ${from} to ${to}`;

  test(`Keys of all kinds arrive unchanged ${where}`, async () => {
    await using processes = new Processes();
    const [asker, owner] = await processes.startCluster([from, to]);

    await join([asker, owner], owner);
    for (const { name, key } of ODD_KEYS) {
      const outcome = await asker.tell("get", { key });
      assertEquals(outcome, { values: [`value of ${key}`], errors: [] }, name);
    }
    await assertLoaded(asker, owner);

    await join([asker, owner], owner);
    const values = await asker.tell("getMany", { keys: ODD_KEYS.map(({ key }) => key) });
    assertEquals(values.length, ODD_KEYS.length);
    for (const [key, value] of values) assertEquals(value, `value of ${key}`);
    await assertLoaded(asker, owner);
  }, { needs: [from, to] });

  test(`Keys of all kinds are set and removed ${where}`, async () => {
    await using processes = new Processes();
    const [asker, owner] = await processes.startCluster([from, to]);
    await join([asker, owner], owner);
    for (const { name, key } of ODD_KEYS) {
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
  assertEquals(loads.toSorted(), ODD_KEYS.map(({ key }) => key).sort());
}
