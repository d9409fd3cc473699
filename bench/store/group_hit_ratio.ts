import { GroupCache } from "../../lib/group_cache.ts";
import { answer, inChild, task } from "./child.ts";
import { totalBytes, traceNames, traceOf } from "./hit_ratio.ts";
import { args, type Report, round, type Row, turn } from "../report.ts";

/** The least memory of a group. */
const MIN_MAX_BYTES = 64 << 10;

/** What is found through a group's `get`, which lends and decodes, with `maxBytes` for all of it. */
export function groupHitRatio(): Report {
  const rows: Row[] = [1, 10].flatMap((percent) =>
    traceNames().map((name) => {
      const result = inChild<Result>("./group_hit_ratio.ts", { name, percent, args });
      return {
        case: `${name}, ${percent} %`,
        figures: {
          "hits, %": round(100 * result.hitRatio),
          "payload held": round(result.payload, 3),
        },
      };
    })
  );
  const mean = rows.reduce((sum, row) => sum + Number(row.figures["hits, %"]), 0) / rows.length;
  rows.push({ case: "mean", figures: { "hits, %": round(mean) } });
  return {
    bar: "Hit ratio through get, with maxBytes at a part of all the values' bytes",
    limit: "none: compare with another version of the library",
    rows,
  };
}

interface Task {
  name: string;
  percent: number;
  args: string[];
}

interface Result {
  hitRatio: number;
  /** At the end, in parts of `maxBytes`. */
  payload: number;
}

async function measure({ name, percent, args: given }: Task): Promise<Result> {
  args.push(...given);
  const trace = traceOf(name);
  const maxBytes = Math.max(MIN_MAX_BYTES, Math.floor(totalBytes(trace) * percent / 100));
  const source = new Uint8Array(trace.sizes.reduce((most, size) => Math.max(most, size), 0));
  let size = 0;
  await using cache = new GroupCache();
  const group = cache.group("values", { maxBytes, load: () => source.subarray(0, size) });
  for (const [i, key] of trace.keys.entries()) {
    size = trace.sizes[i] as number;
    await group.get(`${key}`);
    // As a server would: so that the collector can tell what it has freed.
    if (i % 1000 === 0) await turn();
  }
  const { main, hits, gets } = group.stats();
  return { hitRatio: hits / gets, payload: main.payloadBytes / maxBytes };
}

if (import.meta.main) answer(await measure(task<Task>()));
