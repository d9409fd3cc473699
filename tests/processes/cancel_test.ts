import { assertEquals } from "@std/assert";
import { type Runtime, runtime, test } from "../runtime.ts";
import { join, Processes, until } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

for (const [from, to] of [[runtime, runtime], [runtime, other], [other, runtime]] as const) {
  test(`The owner's load (${to}) is aborted when its last caller (${from}) leaves`, async () => {
    await using processes = new Processes();
    const [asker, owner] = await processes.startCluster([from, to]);
    await join([asker, owner], owner);
    const key = "stuck:1";
    await asker.tell("begin", { id: "first", key });
    await asker.tell("begin", { id: "second", key });
    await until(async () => (await owner.tell("state")).loads.includes(key), "the load has begun");

    assertEquals(await asker.tell("abort", { id: "first" }), "AbortError");
    assertEquals((await owner.tell("state")).aborted, []);
    assertEquals(await asker.tell("abort", { id: "second" }), "AbortError");
    await until(async () => (await owner.tell("state")).aborted.includes(key), "it is aborted");
    assertEquals((await owner.tell("state")).loads, [key]);
    assertEquals((await asker.tell("state")).loads, []);
  }, { needs: [from, to] });

  test(`The owner's load (${to}) is aborted when its last caller (${from}) is killed`, async () => {
    await using processes = new Processes();
    const [asker, owner] = await processes.startCluster([from, to]);
    await join([asker, owner], owner);
    const key = "stuck:1";
    await asker.tell("begin", { id: "only", key });
    await until(async () => (await owner.tell("state")).loads.includes(key), "the load has begun");
    await asker.child.kill("SIGKILL");
    await until(async () => (await owner.tell("state")).aborted.includes(key), "it is aborted");
  }, { needs: [from, to] });
}
