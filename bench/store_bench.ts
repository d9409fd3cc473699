/**
 * What the store promises, one table a promise, beside lru-cache in the same run:
 *
 *     deno run -A --v8-flags=--expose-gc bench/store_bench.ts [--json] [--traces DIR] [BAR...]
 *     bun bench/store_bench.ts [--json] [--traces DIR] [BAR...]
 *
 * Each case runs in a process of its own. Names of bars run those only. Without a folder of traces
 * the hit ratio is measured on a Zipf stream.
 */

import { bound } from "./store/bound.ts";
import { collector } from "./store/collector.ts";
import { groupGet } from "./store/group_get.ts";
import { groupHitRatio } from "./store/group_hit_ratio.ts";
import { groupPayload } from "./store/group_payload.ts";
import { hit } from "./store/hit.ts";
import { hitRatio, sizedHitRatio } from "./store/hit_ratio.ts";
import { insertion, pause } from "./store/insertion.ts";
import { memory } from "./store/memory.ts";
import { args, print, printReport, type Report, runtime } from "./report.ts";

const BARS: Record<string, () => Report> = {
  memory,
  bound,
  collector,
  hit,
  groupGet,
  insertion,
  pause,
  hitRatio,
  sizedHitRatio,
  groupPayload,
  groupHitRatio,
};

const named = args.filter((arg) => arg in BARS);
const isJson = args.includes("--json");
const reports: Report[] = [];
if (!isJson) print(runtime);
for (const name of named.length > 0 ? named : Object.keys(BARS)) {
  const report = BARS[name]?.();
  if (report === undefined) continue;
  reports.push(report);
  if (!isJson) printReport(report);
}
if (isJson) print(JSON.stringify({ runtime, reports }, null, 2));
