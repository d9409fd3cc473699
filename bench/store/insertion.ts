import { answer, inChild, task } from "./child.ts";
import { median, type Report, round, time } from "../report.ts";
import { lruCache, segmentStore, type Subject } from "./subjects.ts";

const ROUNDS = 11;
const BATCHES = 400;
/** Keys and values made at a time: what was loaded is put in soon after. */
const BATCH_ITEMS = 500;

const MAX_PAUSE_MS = 5;
const PAUSE_INSERTIONS = 10_000_000;
const PAUSE_BYTES = 1 << 30;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const keyOf = (id: number): string => decoder.decode(encoder.encode(`user:profile:${id}`));

type Task = { entries: number; valueBytes: number } | { pausesOf: string };

/** Nanoseconds an insertion. */
type Result = Record<"store" | "lru-cache", number>;

/** Bar: how fast something comes in when something else has to go. */
export function insertion(): Report {
  const cases: [number, number][] = [[10_000, 100], [1_000_000, 100], [100_000, 1024]];
  const rows = cases.map(([entries, valueBytes]) => {
    const ns = inChild<Result>("./insertion.ts", { entries, valueBytes });
    const ratio = ns["lru-cache"] / ns.store;
    return {
      case: `about ${entries} entries of ${valueBytes} bytes`,
      figures: {
        "store, ns": round(ns.store, 0),
        "lru-cache, ns": round(ns["lru-cache"], 0),
        "times as fast": round(ratio),
      },
      isMet: ratio >= 1,
    };
  });
  return {
    bar: "Speed of insertion with eviction; the making of key and value is not counted",
    limit: "at least lru-cache's, which holds on to the value where the store copies it",
    rows,
  };
}

interface Pauses {
  longest: number[];
  nsPerInsertion: number;
}

/** Bar: how long a caller may have to wait. */
export function pause(): Report {
  const rows = ["store", "lru-cache"].map((subject) => {
    const { longest, nsPerInsertion } = inChild<Pauses>("./insertion.ts", { pausesOf: subject });
    return {
      case: subject,
      figures: {
        "longest, ms": round(longest[0] as number),
        "second": round(longest[1] as number),
        "tenth": round(longest[9] as number),
        "ns per insertion": round(nsPerInsertion, 0),
      },
      ...(subject === "store" && { isMet: (longest[0] as number) <= MAX_PAUSE_MS }),
    };
  });
  return {
    bar: `The longest of ${PAUSE_INSERTIONS} insertions of 100 bytes into 1 GiB, all included`,
    limit: `${MAX_PAUSE_MS} ms`,
    rows,
  };
}

function measure({ entries, valueBytes }: { entries: number; valueBytes: number }): Result {
  const subjects: Record<keyof Result, Subject> = {
    "store": segmentStore(Math.floor(entries * (valueBytes + 19 + 45))),
    "lru-cache": lruCache(entries),
  };
  const times: Record<string, number[]> = { "store": [], "lru-cache": [] };
  let id = 1e6;
  for (const subject of Object.values(subjects)) {
    for (let i = 0; i < 1.5 * entries; i++) subject.set(keyOf(id++), new Uint8Array(valueBytes));
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, subject] of Object.entries(subjects)) {
      let ms = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const items = Array.from({ length: BATCH_ITEMS }, () => ({
          key: keyOf(id++),
          value: new Uint8Array(valueBytes).fill(id),
        }));
        ms += time(() => {
          for (const { key, value } of items) subject.set(key, value);
        });
      }
      times[name]?.push(ms * 1e6 / BATCHES / BATCH_ITEMS);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, each]) => [name, median(each)]),
  ) as Result;
}

function measurePauses(name: string): Pauses {
  const value = new Uint8Array(100);
  const subject = name === "store" ? segmentStore(PAUSE_BYTES) : lruCache(6_500_000);
  const longest: number[] = new Array(10).fill(0);
  const start = performance.now();
  let last = start;
  for (let i = 0; i < PAUSE_INSERTIONS; i++) {
    subject.set(`user:profile:${1e6 + i}`, value);
    const now = performance.now();
    if (now - last > (longest[9] as number)) {
      longest[9] = now - last;
      longest.sort((a, b) => b - a);
    }
    last = now;
  }
  return { longest, nsPerInsertion: (last - start) * 1e6 / PAUSE_INSERTIONS };
}

if (import.meta.main) {
  const given = task<Task>();
  answer("pausesOf" in given ? measurePauses(given.pausesOf) : measure(given));
}
