import { answer, inChild, task } from "./child.ts";
import { median, type Report, round, time } from "../report.ts";
import { randomNumbers } from "./rng.ts";
import { lruCache, segmentStore, type Subject } from "./subjects.ts";

const ROUNDS = 9;
const BATCHES = 400;
/** Keys made at a time: a request asks for its key soon after it was made. */
const BATCH_KEYS = 500;
const VALUE_BYTES = 100;

/** Ways in which a request's key comes to be a string, each giving a new one. */
const ORIGINS: Record<string, (id: number) => string> = {
  decoded: (id) => decoder.decode(encoder.encode(textOf(id))),
  sliced: (id) => decoder.decode(encoder.encode(`/users/${textOf(id)}?x=1`)).slice(7, 26),
  joined: (id) => `user:profile:${100_000 + id}`.padEnd(19, "x").slice(0, 8) + textOf(id).slice(8),
};
const SAME = "the same strings";

const MIN_RATIO: Record<string, number> = { [SAME]: 0.5 };
const MIN_FRESH_RATIO = 1.5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const textOf = (id: number): string => `user:profile:${100_000 + id}`.padEnd(19, "x");

interface Task {
  entries: number;
  origin: string;
}

/** Nanoseconds a hit. */
type Result = Record<"store, view" | "store, decoded" | "lru-cache", number>;

/** Bar: how fast a hit is. */
export function hit(): Report {
  const rows = [10_000, 1_000_000].flatMap((entries) =>
    [...Object.keys(ORIGINS), SAME].map((origin) => {
      const ns = inChild<Result>("./hit.ts", { entries, origin });
      const ratio = ns["lru-cache"] / ns["store, view"];
      return {
        case: `${entries} entries, keys ${origin}`,
        figures: {
          "view, ns": round(ns["store, view"], 0),
          "decoded, ns": round(ns["store, decoded"], 0),
          "lru-cache, ns": round(ns["lru-cache"], 0),
          "times as fast (view)": round(ratio),
          "(decoded)": round(ns["lru-cache"] / ns["store, decoded"]),
        },
        isMet: ratio >= (MIN_RATIO[origin] ?? MIN_FRESH_RATIO),
      };
    })
  );
  return {
    bar: "Speed of a hit, key of 19 bytes, value of 100; the making of the key is not counted",
    limit: `at least ${MIN_FRESH_RATIO} times lru-cache's with new key strings, 0.5 with the same`,
    rows,
  };
}

function measure({ entries, origin }: Task): Result {
  const ours = segmentStore(Math.max(4 << 20, entries * 250));
  const { store } = ours;
  const subjects: Record<keyof Result, Subject> = {
    "store, view": ours,
    "store, decoded": {
      set() {},
      get(key) {
        const slot = store.find(key, 0);
        return slot < 0 ? 0 : store.decoded(slot) === undefined ? 0 : VALUE_BYTES;
      },
    },
    "lru-cache": lruCache(entries),
  };
  const same = Array.from({ length: entries }, (_, id) => textOf(id));
  const value = new Uint8Array(VALUE_BYTES);
  for (const subject of Object.values(subjects)) {
    for (const key of same) subject.set(key, value);
  }
  for (const key of same) store.setDecoded(store.find(key, 0), value, 0);

  const times: Record<string, number[]> = {};
  const random = randomNumbers(1);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, subject] of Object.entries(subjects)) {
      let bytes = 0;
      let ms = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const keys = Array.from({ length: BATCH_KEYS }, () => {
          const id = Math.floor(random() * entries);
          return ORIGINS[origin]?.(id) ?? same[id] as string;
        });
        ms += time(() => {
          for (const key of keys) bytes += subject.get(key);
        });
      }
      const lookups = BATCHES * BATCH_KEYS;
      if (bytes !== lookups * VALUE_BYTES) throw new Error(`Cannot measure ${name}: it missed`);
      (times[name] ??= []).push(ms * 1e6 / lookups);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, each]) => [name, median(each)]),
  ) as Result;
}

if (import.meta.main) answer(measure(task<Task>()));
