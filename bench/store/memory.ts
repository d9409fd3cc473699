import { answer, inChild, settledBytes, task } from "./child.ts";
import { median, type Report, round, runtime, turn } from "../report.ts";
import { lruCache, segmentStore } from "./subjects.ts";

const ENTRIES = 1_000_000;
const KEY_BYTES = 19;
const VALUE_BYTES = 100;
const MAX_OVERHEAD_BYTES = runtime.startsWith("Bun") ? 32 : 56;
/** Each in a process of its own. */
const RUNS = 5;

const keyOf = (i: number): string => `user:profile:${100_000 + i}`.padEnd(KEY_BYTES, "x");

type Name = "store" | "store, with decoded values" | "lru-cache";

interface Result {
  bytesPerEntry: number;
  held: number;
}

/** Bar: what an entry costs beyond its key and value. */
export function memory(): Report {
  const names: Name[] = ["store", "store, with decoded values", "lru-cache"];
  const rows = names.map((name) => {
    const results = Array.from({ length: RUNS }, () => inChild<Result>("./memory.ts", name));
    const overheads = results.map(({ bytesPerEntry }) => bytesPerEntry - KEY_BYTES - VALUE_BYTES);
    const held = Math.min(...results.map((result) => result.held));
    const overhead = median(overheads);
    return {
      case: name,
      figures: {
        "entries": held,
        "resident bytes per entry": round(overhead + KEY_BYTES + VALUE_BYTES, 1),
        "beyond key and value": round(overhead, 1),
        "least": round(Math.min(...overheads), 1),
        "most": round(Math.max(...overheads), 1),
      },
      ...(name !== "lru-cache" && { isMet: overhead <= MAX_OVERHEAD_BYTES && held === ENTRIES }),
    };
  });
  return {
    bar: `Memory of ${ENTRIES} entries, key of ${KEY_BYTES} bytes, value of ${VALUE_BYTES}`,
    limit:
      `at most ${MAX_OVERHEAD_BYTES} resident bytes an entry beyond key and value, median of ${RUNS} runs`,
    rows,
  };
}

async function measure(name: Name): Promise<Result> {
  const isLru = name === "lru-cache";
  const storeOf = (maxBytes: number) =>
    segmentStore(maxBytes, { keepsDecoded: name === "store, with decoded values" });
  // What the runtime and this loop need for themselves comes before the first look at memory.
  const warm = isLru ? lruCache(1000) : storeOf(1 << 20);
  // The store copies, so that one array can serve for all values; lru-cache needs one for each.
  const source = new Uint8Array(VALUE_BYTES);
  const valueOf = (i: number) => (isLru ? new Uint8Array(VALUE_BYTES) : source).fill(i);
  for (let i = 0; i < ENTRIES; i++) {
    warm.set(keyOf(i), valueOf(i));
    if (i % 50_000 === 0) await turn();
  }
  const before = await settledBytes();
  const subject = isLru ? lruCache(2 * ENTRIES) : storeOf(512 << 20);
  for (let i = 0; i < ENTRIES; i++) {
    subject.set(keyOf(i), valueOf(i));
    if (i % 50_000 === 0) await turn();
  }
  const bytes = await settledBytes() - before;
  let held = 0;
  for (let i = 0; i < ENTRIES; i++) held += subject.get(keyOf(i)) / VALUE_BYTES;
  return { bytesPerEntry: bytes / ENTRIES, held };
}

if (import.meta.main) answer(await measure(task<Name>()));
