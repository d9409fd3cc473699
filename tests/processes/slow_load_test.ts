import { assertEquals } from "@std/assert";
import { isDeno, test, type TestOptions } from "../runtime.ts";
import { join, Processes } from "./processes.ts";

/** Bun ends requests that have been silent for 10 seconds. */
const LOAD_MS = 12_000;

// All at the same time, because nothing but the real time will do here; and with Deno's runner
// alone, because the processes are the same ones with Bun's.
const options: TestOptions = { needs: ["deno", "bun"], ignore: !isDeno };
test("A load of 12 seconds survives the servers' idle timeouts, and is not repeated", async () => {
  await using processes = new Processes();
  const owners = await Promise.all([
    processes.start("bun"),
    processes.start("bun", "--hono"),
    processes.start("deno"),
    processes.start("deno", "--hono"),
  ]);
  await Promise.all(owners.map(async (owner) => {
    const [first, second] = await Promise.all([processes.start("deno"), processes.start("bun")]);
    const all = [first, second, owner];
    await join(all, owner);
    const key = `slow:${LOAD_MS}:1`;
    const plainKey = `slow:${LOAD_MS}:2`;
    const outcomes = await Promise.all([
      ...all.map((process) => process.tell("get", { key, times: 10 })),
      // A peer of another implementation waits for the status.
      fetch(`${owner.url}/_groupcache/values/${encodeURIComponent(plainKey)}`)
        .then(async (response) => {
          await response.body?.cancel();
          return response.status;
        }),
    ]);
    const expected = { values: [`value of ${key}`], errors: [] };
    assertEquals(outcomes, [expected, expected, expected, 200]);
    const states = await Promise.all(all.map((process) => process.tell("state")));
    assertEquals(states.map(({ loads }) => loads.toSorted()), [[], [], [key, plainKey]]);
  }));
}, options);
