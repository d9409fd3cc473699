import { answer, inChild, task } from "./child.ts";
import { collect, median, type Report, round, time } from "../report.ts";
import { lruCache, segmentStore } from "./subjects.ts";

const ENTRIES = 1_000_000;
const MAX_SHARE = 0.1;

/** Bar: how long a full collection takes. */
export function collector(): Report {
  const idle = inChild<number>("./collector.ts", "nothing");
  const ours = inChild<number>("./collector.ts", "store");
  const theirs = inChild<number>("./collector.ts", "lru-cache");
  return {
    bar: `A full collection with ${ENTRIES} entries of 100 bytes`,
    limit: `at most ${MAX_SHARE} of what it takes with lru-cache`,
    rows: [
      { case: "an idle process", figures: { ms: round(idle) } },
      {
        case: "store",
        figures: { ms: round(ours), "of lru-cache's": round(ours / theirs, 3) },
        isMet: ours <= MAX_SHARE * theirs,
      },
      { case: "lru-cache", figures: { ms: round(theirs) } },
    ],
  };
}

function measure(name: string): number {
  const subject = name === "store" ? segmentStore(256 << 20) : lruCache(ENTRIES);
  if (name !== "nothing") {
    for (let i = 0; i < ENTRIES; i++) subject.set(`user:profile:${i}`, new Uint8Array(100));
  }
  collect();
  collect();
  const ms = median(Array.from({ length: 9 }, () => time(collect)));
  subject.get("user:profile:1");
  return ms;
}

if (import.meta.main) answer(measure(task<string>()));
