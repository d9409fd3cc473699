/**
 * Soaks the channels between three processes: independent callers at full speed, for minutes, while
 * memory must stay flat. One process gets, sets and removes keys of the second; the third is told of
 * each change. Channels are replaced every few seconds meanwhile.
 *
 *     deno run -A bench/channel_soak.ts [--minutes N] [--runtime deno|bun]
 *
 * Exits with 1 if a call fails, or if a process grows by more than 5 % and 16 MiB after its first third.
 */

import process from "node:process";
import { runtime as ownRuntime } from "../tests/runtime.ts";
import type { Load } from "./peers/calls.ts";
import { type Node, startCluster } from "./peers/processes.ts";
import { args, median, print } from "./report.ts";

const SPARE_BYTES = 16 << 20;
const FACTOR = 1.05;
const ROUND_MS = 5000;
/** By what they call. */
const CALLERS = { ours: 64, set: 8, remove: 2 };

const told = (name: string) => args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
const minutes = Number(told("--minutes") ?? 10);
const runtime = told("--runtime") === "bun" ? "bun" : told("--runtime") ?? ownRuntime;
if (!(minutes > 0) || runtime !== "deno" && runtime !== "bun") {
  throw new Error("Cannot soak: expected --minutes N and --runtime deno or bun");
}

await using stack = new AsyncDisposableStack();
const [caller, owner, other] = await startCluster(runtime, 3, stack) as [Node, Node, Node];
await caller.ask("keys", { owners: owner.url, count: 10_000 });
const memory = { caller: [] as number[], owner: [] as number[], other: [] as number[] };
let gets = 0;
let changes = 0;
const run = (subject: keyof typeof CALLERS) => {
  const query = { subject, callers: CALLERS[subject], ms: ROUND_MS, isIndependent: 1 };
  return caller.ask<Load>("load", query);
};
const end = performance.now() + minutes * 60_000;
while (performance.now() < end) {
  const [got, set, removed] = await Promise.all([run("ours"), run("set"), run("remove")]);
  gets += got.calls;
  changes += set.calls + removed.calls;
  memory.caller.push(await caller.ask<number>("memory"));
  memory.owner.push(await owner.ask<number>("memory"));
  memory.other.push(await other.ask<number>("memory"));
  const mebibytes = Object.values(memory).map((bytes) => (bytes.at(-1) ?? 0) >> 20);
  const rates = `${Math.round(got.perSecond)} gets/s, ` +
    `${Math.round(set.perSecond + removed.perSecond)} changes/s`;
  print(`${rates}, MiB of caller, owner and the other: ${mebibytes.join(", ")}`);
}

let isFlat = true;
for (const [name, bytes] of Object.entries(memory)) {
  const third = Math.max(1, Math.floor(bytes.length / 3));
  const before = median(bytes.slice(third, 2 * third));
  const after = median(bytes.slice(-third));
  const hasGrown = after > before * FACTOR && after > before + SPARE_BYTES;
  isFlat &&= !hasGrown;
  print(`${name}: ${before >> 20} MiB, then ${after >> 20} MiB: ${hasGrown ? "grows" : "flat"}`);
}
print(`${gets} gets, ${changes} changes`);
await stack.disposeAsync();
process.exit(isFlat ? 0 : 1);
