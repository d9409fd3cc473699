import { answer, inChild, residentBytes, task } from "./child.ts";
import { collect, type Report, round, turn } from "./report.ts";
import { lruCache, segmentStore } from "./subjects.ts";

const ENTRIES = 1_000_000;
const KEY_BYTES = 19;
const VALUE_BYTES = 100;
const MAX_OVERHEAD_BYTES = 64;

const keyOf = (i: number): string => `user:profile:${100_000 + i}`.padEnd(KEY_BYTES, "x");

interface Result {
  bytesPerEntry: number;
  held: number;
}

/** Bar: what an entry costs beyond its key and value. */
export function memory(): Report {
  const rows = ["store", "lru-cache"].map((subject) => {
    const { bytesPerEntry, held } = inChild<Result>("./memory.ts", subject);
    const overhead = bytesPerEntry - KEY_BYTES - VALUE_BYTES;
    return {
      case: subject,
      figures: {
        "entries": held,
        "resident bytes per entry": round(bytesPerEntry, 1),
        "beyond key and value": round(overhead, 1),
      },
      ...(subject === "store" && { isMet: overhead <= MAX_OVERHEAD_BYTES && held === ENTRIES }),
    };
  });
  return {
    bar: `Memory of ${ENTRIES} entries, key of ${KEY_BYTES} bytes, value of ${VALUE_BYTES}`,
    limit: `at most ${MAX_OVERHEAD_BYTES} resident bytes an entry beyond key and value`,
    rows,
  };
}

async function measure(name: string): Promise<Result> {
  // What the runtime and this loop need for themselves comes before the first look at memory.
  const warm = name === "store" ? segmentStore(1 << 20) : lruCache(1000);
  // The store copies, so that one array can serve for all values; lru-cache needs one for each.
  const source = new Uint8Array(VALUE_BYTES);
  const valueOf = name === "store"
    ? (i: number) => source.fill(i)
    : (i: number) => new Uint8Array(VALUE_BYTES).fill(i);
  for (let i = 0; i < ENTRIES; i++) {
    warm.set(keyOf(i), valueOf(i));
    if (i % 50_000 === 0) await turn();
  }
  collect();
  await turn(20);
  const before = residentBytes();
  const subject = name === "store" ? segmentStore(512 << 20) : lruCache(2 * ENTRIES);
  for (let i = 0; i < ENTRIES; i++) {
    subject.set(keyOf(i), valueOf(i));
    if (i % 50_000 === 0) await turn();
  }
  collect();
  await turn(50);
  collect();
  await turn(50);
  const bytes = residentBytes() - before;
  let held = 0;
  for (let i = 0; i < ENTRIES; i++) held += subject.get(keyOf(i)) / VALUE_BYTES;
  return { bytesPerEntry: bytes / ENTRIES, held };
}

if (import.meta.main) answer(await measure(task<string>()));
