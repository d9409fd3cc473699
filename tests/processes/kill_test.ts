import { assert, assertEquals } from "@std/assert";
import { type Runtime, runtime, test } from "../runtime.ts";
import { Processes, until, untilGets } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

for (const runtimes of [[runtime, runtime, runtime], [runtime, other, other]] as const) {
  test(
    `No get fails when one of three processes (${runtimes.join(", ")}) is killed in traffic`,
    async () => {
      await using processes = new Processes();
      const [first, second, victim] = await processes.startCluster(runtimes);
      const survivors = [first, second];
      for (const process of survivors) await process.tell("startTraffic", { concurrency: 20 });
      await untilGets(survivors, 500);
      assert((await victim.tell("state")).serverRequests > 0);

      await victim.child.kill("SIGKILL");
      await untilGets(survivors, 500);

      const newcomer = await processes.start(runtimes[2]);
      const peers = [...survivors, newcomer].map(({ url }) => url);
      await newcomer.tell("join", { peers });
      for (const process of survivors) await process.tell("setPeers", { peers });
      await until(
        async () => (await newcomer.tell("state")).serverRequests > 0,
        "the new process is asked",
      );
      await untilGets(survivors, 500);

      for (const process of survivors) {
        await process.tell("stopTraffic");
        const { traffic, peerErrors } = await process.tell("state");
        assertEquals(traffic.failures, []);
        assert(peerErrors > 0, "it has noticed that a peer was killed");
      }
    },
    { needs: runtimes },
  );
}
