import { assert, assertEquals } from "@std/assert";
import { type Runtime, runtime, test } from "../runtime.ts";
import { type Process, Processes } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";
const KEYS = Array.from({ length: 300 }, (_, index) => `kept:${index}`);

for (const runtimes of [[runtime, runtime, runtime], [runtime, other, other]] as const) {
  test(
    `A process of three (${runtimes.join(", ")}) that drains in traffic costs no get and no load`,
    async () => {
      await using processes = new Processes();
      const [first, second, leaver] = await processes.startCluster(runtimes);
      const stayers = [first, second];
      await first.tell("getMany", { keys: KEYS });
      assert((await keptLoads([leaver])).length > 0, "it owns some");
      const before = await keptLoads(stayers);
      for (const process of stayers) await process.tell("startTraffic", { concurrency: 20 });

      await leaver.tell("leave", { drainMs: 10_000 });
      await leaver.child.exited;

      for (const process of stayers) {
        assertEquals((await process.tell("getMany", { keys: KEYS })).length, KEYS.length);
        await process.tell("stopTraffic");
        assertEquals((await process.tell("state")).traffic.failures, []);
      }
      assertEquals(await keptLoads(stayers), before);
    },
    { needs: runtimes },
  );
}

/** Which of the keys processes have loaded. */
async function keptLoads(processes: readonly Process[]): Promise<string[]> {
  const states = await Promise.all(processes.map((process) => process.tell("state")));
  return states.flatMap(({ loads }) => loads).filter((key) => key.startsWith("kept:")).sort();
}
