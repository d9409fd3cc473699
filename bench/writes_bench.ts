/**
 * Measures `set` and `remove` in a cluster of three processes on 127.0.0.1, values of 1 KiB, beside
 * `SET` and `DEL` of Redis, if it is installed. A change of ours reaches all processes before it
 * resolves; one of Redis reaches one server.
 *
 *     deno task bench:writes [--json] [--runtime deno|bun] [--beside FOLDER]
 *
 * With `--beside` the code of another checkout takes turns with this one.
 */

import { createClient } from "@redis/client";
import { spawn } from "../tests/processes/child.ts";
import { root, type Runtime, runtime } from "../tests/runtime.ts";
import { inTurns, ratio } from "./peers/bench.ts";
import { findOthers, type Node, started, startRedis } from "./peers/processes.ts";
import { args, median, print, printReport, type Row } from "./report.ts";

const ROUNDS = 5;
const MS = 1000;

const optionOf = (name: string): string | undefined =>
  args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
const on = (optionOf("--runtime") ?? runtime) as Runtime;
const folders: Record<string, string> = { here: root };
const beside = optionOf("--beside");
if (beside !== undefined) folders["beside"] = beside;

await using stack = new AsyncDisposableStack();
const clusters: Record<string, Node> = {};
for (const [name, folder] of Object.entries(folders)) {
  const start = () => started(spawn("bench/writes/node.ts", { runtime: on, args: [folder] }));
  const nodes = await Promise.all([start(), start(), start()]);
  for (const node of nodes) stack.use(node);
  const urls = nodes.map(({ url }) => url).join();
  await Promise.all(nodes.map((node) => fetch(`${node.url}/?urls=${urls}`)));
  clusters[name] = nodes[0];
}
const { redis } = findOthers(stack);
const port = redis && await startRedis(redis, stack);
const client = port && createClient({ socket: { host: "127.0.0.1", port } });
if (client) {
  await client.connect();
  stack.defer(() => client.destroy());
}

const rows: Row[] = [];
for (const call of ["set", "remove"]) {
  for (const callers of [1, 64]) {
    const subjects: Record<string, () => Promise<number>> = {};
    for (const [name, node] of Object.entries(clusters)) {
      subjects[name] = async () =>
        await (await fetch(`${node.url}/?call=${call}&callers=${callers}&ms=${MS}`)).json();
    }
    if (client) subjects["Redis"] = () => runRedis(call, callers);
    const figures = await inTurns(ROUNDS, subjects);
    const columns: Row["figures"] = {};
    for (const [name, each] of Object.entries(figures)) columns[`${name}/s`] = median(each);
    for (const rival of ["beside", "Redis"]) {
      if (figures[rival]) columns[`of ${rival}`] = ratio(figures["here"], figures[rival]);
    }
    rows.push({ case: `${call}, ${callers} callers`, figures: columns });
  }
}
const report = { bar: `changes in three processes, ${on}`, limit: "for comparison", rows };
if (args.includes("--json")) print(JSON.stringify(report, null, 2));
else printReport(report);

async function runRedis(call: string, callers: number): Promise<number> {
  if (!client) return NaN;
  const value = "x".repeat(1024);
  const end = performance.now() + MS;
  let count = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: callers }, async () => {
    while (performance.now() < end) {
      const key = `key ${Math.floor(Math.random() * 10_000)}`;
      await (call === "set" ? client.set(key, value) : client.del(key));
      count++;
      for (let hops = Math.random() * 8; hops > 1; hops--) await new Promise(setImmediate);
    }
  }));
  return count / (performance.now() - start) * 1000;
}
