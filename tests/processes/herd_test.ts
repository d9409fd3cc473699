import { assertEquals } from "@std/assert";
import { type Runtime, runtime, test } from "../runtime.ts";
import { Processes } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

for (const runtimes of [[runtime, runtime, runtime], [runtime, other, runtime]]) {
  test(
    `Three processes (${runtimes.join(", ")}) with 1,000 concurrent gets each make one load, ` +
      "20 keys in a row",
    async () => {
      await using processes = new Processes();
      const cluster = await processes.startCluster(runtimes);
      const keys = Array.from({ length: 20 }, (_, index) => `slow:20:${index}`);
      for (const key of keys) {
        const outcomes = await Promise.all(
          cluster.map((process) => process.tell("get", { key, times: 1000 })),
        );
        for (const outcome of outcomes) {
          assertEquals(outcome, { values: [`value of ${key}`], errors: [] });
        }
      }
      const states = await Promise.all(cluster.map((process) => process.tell("state")));
      assertEquals(states.flatMap(({ loads }) => loads).sort(), keys.sort());
    },
    { needs: runtimes },
  );
}
