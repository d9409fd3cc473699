import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { LRUCache } from "lru-cache";
import { SegmentStore } from "../../lib/store/segment_store.ts";
import { args, type Report, round, type Row } from "../report.ts";
import { randomNumbers, zipfRanks } from "./rng.ts";

/** By how much all replays must be above plain S3-FIFO on average, in points. */
const MIN_MEAN_GAIN = 2.3;
const MIN_MEAN_GAIN_OF_SIZED = 3;
/** By how much each alone may be below. */
const MAX_LOSS = 0.3;

/** How files of traces end. */
const ENDING = ".txt.gz";
/** The stream that is replayed if no folder is named. */
const ZIPF = "Zipf 0.9";

/** Replays until as many bytes are held as are to be, give or take 0.3 %. */
const MAX_REPLAYS = 8;
const TOLERANCE = 0.003;

export interface Trace {
  name: string;
  keys: Uint32Array;
  sizes: Uint32Array;
}

/** Bar: how much is found, at 1 % and 10 % of all that is asked for, by bytes. */
export function hitRatio(): Report {
  return compare(traces(), "with the sizes of the traces", MIN_MEAN_GAIN);
}

/** Bar: the same when the sizes of values vary, drawn for each key from a log-normal distribution. */
export function sizedHitRatio(): Report {
  return compare(traces().map(resized), "with log-normal sizes per key", MIN_MEAN_GAIN_OF_SIZED);
}

/** The traces of the folder that was named, or a stream of ours. */
export function traces(): Trace[] {
  return traceNames().map(traceOf);
}

export function traceNames(): string[] {
  const folder = traceFolder();
  if (folder === undefined) return [ZIPF];
  const files = readdirSync(folder).filter((file) => file.endsWith(ENDING)).sort();
  return files.map((file) => file.slice(0, -ENDING.length));
}

export function traceOf(name: string): Trace {
  const folder = traceFolder();
  return folder === undefined ? zipf() : readTrace(folder, name);
}

function traceFolder(): string | undefined {
  const at = args.indexOf("--traces");
  return at < 0 ? undefined : args[at + 1];
}

function compare(traces: Trace[], sizes: string, minMeanGain: number): Report {
  const rows: Row[] = [];
  let loss = 0;
  for (const trace of traces) {
    for (const percent of [1, 10]) {
      const capacity = Math.floor(totalBytes(trace) * percent / 100);
      const reference = replayReference(trace, capacity);
      const { ratio, heldBytes } = replayAt(trace, capacity);
      loss += reference - ratio;
      rows.push({
        case: `${trace.name}, ${percent} %`,
        figures: {
          "store": percentOf(ratio),
          "S3-FIFO": percentOf(reference),
          "difference": round(100 * (ratio - reference)),
          "LRU": percentOf(replayLru(trace, capacity)),
          "payload held": `${round(100 * heldBytes / capacity, 1)} %`,
        },
        isMet: 100 * (reference - ratio) <= MAX_LOSS,
      });
    }
  }
  const meanLoss = 100 * loss / rows.length;
  rows.push({
    case: "mean",
    figures: { "difference": round(-meanLoss) },
    // A stream of Zipf's law has nothing to gain from age, size or order.
    ...(args.includes("--traces") && { isMet: -meanLoss >= minMeanGain }),
  });
  return {
    bar: `Hit ratio in percent ${sizes}, when as many bytes are held as the simulations hold`,
    limit:
      `on average at least ${minMeanGain} points above plain S3-FIFO, at most ${MAX_LOSS} below`,
    rows,
  };
}

function percentOf(ratio: number): string {
  return (100 * ratio).toFixed(2);
}

function readTrace(folder: string, name: string): Trace {
  const lines = gunzipSync(readFileSync(`${folder}/${name}${ENDING}`)).toString().trim().split(
    "\n",
  );
  const keys = new Uint32Array(lines.length);
  const sizes = new Uint32Array(lines.length);
  for (const [i, line] of lines.entries()) {
    const [key, size] = line.split(" ");
    keys[i] = Number(key);
    sizes[i] = Number(size);
  }
  return { name, keys, sizes };
}

/** The same requests, but for values of about 1 KiB, a few of them a hundred times as large. */
function resized({ name, keys }: Trace): Trace {
  const sizeOf = new Map<number, number>();
  const random = randomNumbers(1);
  const draw = () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(Math.ceil(Math.exp(Math.log(1024) + 1.2 * normal)), 1 << 20);
  };
  const sizes = keys.map((key) => {
    const size = sizeOf.get(key) ?? draw();
    sizeOf.set(key, size);
    return size;
  });
  return { name, keys, sizes };
}

/** A million requests for 100,000 keys, as skewed as what people ask of the web. */
function zipf(): Trace {
  const random = randomNumbers(1);
  const rank = zipfRanks(100_000, 0.9, random);
  const keys = Uint32Array.from({ length: 1_000_000 }, rank);
  return { name: ZIPF, keys, sizes: new Uint32Array(keys.length).fill(1024) };
}

export function totalBytes({ keys, sizes }: Trace): number {
  const sizeOf = new Map<number, number>();
  keys.forEach((key, i) => sizeOf.set(key, sizes[i] as number));
  return [...sizeOf.values()].reduce((sum, size) => sum + size, 0);
}

/** Replays with `maxBytes` set so that over the second half the store holds `capacity` of values. */
function replayAt(trace: Trace, capacity: number): Replay {
  const errorOf = (result: Replay) => Math.abs(result.heldBytes / capacity - 1);
  let maxBytes = 1.1 * capacity + 30_000;
  let best = replay(trace, maxBytes);
  let last = best;
  for (let replays = 1; replays < MAX_REPLAYS && errorOf(best) > TOLERANCE; replays++) {
    // What is held grows about in proportion to what may be taken.
    maxBytes *= capacity / last.heldBytes;
    last = replay(trace, maxBytes);
    if (errorOf(last) < errorOf(best)) best = last;
  }
  return best;
}

interface Replay {
  ratio: number;
  heldBytes: number;
}

function replay({ keys, sizes }: Trace, maxBytes: number): Replay {
  const store = new SegmentStore({ maxBytes, keepsDecoded: false });
  const source = new Uint8Array(sizes.reduce((most, size) => Math.max(most, size), 0));
  const { length } = keys;
  let held = 0;
  let looks = 0;
  for (let i = 0; i < length; i++) {
    const key = `${keys[i]}`;
    if (store.find(key, 0) < 0) store.set(key, source.subarray(0, sizes[i]), Infinity);
    if (i < length / 2 || i % 16 !== 0) continue;
    const { payloadBytes, items } = store.stats();
    // Keys are not counted by the simulations; theirs are numbers of about five digits.
    held += payloadBytes - 5 * items;
    looks++;
  }
  const { hits, gets } = store.stats();
  return { ratio: hits / gets, heldBytes: held / looks };
}

function replayLru({ keys, sizes }: Trace, capacity: number): number {
  const cache = new LRUCache<number, number>({
    maxSize: capacity,
    sizeCalculation: (size) => size,
  });
  let hits = 0;
  keys.forEach((key, i) => {
    if (cache.get(key) !== undefined) hits++;
    else cache.set(key, Math.max(sizes[i] as number, 1));
  });
  return hits / keys.length;
}

interface Simulated {
  key: number;
  size: number;
  uses: number;
}

/** S3-FIFO over single entries, counting nothing but their sizes. */
function replayReference({ keys, sizes }: Trace, capacity: number): number {
  const entries = new Map<number, Simulated>();
  const small = new Set<Simulated>();
  const main = new Set<Simulated>();
  const ghosts = new Map<number, number>();
  let smallBytes = 0;
  let mainBytes = 0;
  let ghostBytes = 0;
  let hits = 0;
  const oldest = (queue: Set<Simulated>): Simulated => queue.values().next().value as Simulated;

  const evictSmall = (): void => {
    while (small.size > 0) {
      const entry = oldest(small);
      small.delete(entry);
      smallBytes -= entry.size;
      if (entry.uses > 1) {
        entry.uses = 0;
        main.add(entry);
        mainBytes += entry.size;
        continue;
      }
      entries.delete(entry.key);
      ghosts.set(entry.key, entry.size);
      ghostBytes += entry.size;
      for (const [key, size] of ghosts) {
        if (ghostBytes <= 0.9 * capacity) break;
        ghosts.delete(key);
        ghostBytes -= size;
      }
      return;
    }
  };
  const evictMain = (): void => {
    for (;;) {
      const entry = oldest(main);
      main.delete(entry);
      if (entry.uses > 0) {
        entry.uses--;
        main.add(entry);
        continue;
      }
      mainBytes -= entry.size;
      entries.delete(entry.key);
      return;
    }
  };

  keys.forEach((key, i) => {
    const found = entries.get(key);
    if (found !== undefined) {
      hits++;
      found.uses = Math.min(found.uses + 1, 3);
      return;
    }
    const size = Math.max(sizes[i] as number, 1);
    if (size > capacity) return;
    while (smallBytes + mainBytes + size > capacity) {
      if (mainBytes > 0.9 * capacity || small.size === 0) evictMain();
      else evictSmall();
    }
    const entry = { key, size, uses: 0 };
    entries.set(key, entry);
    const ghost = ghosts.get(key);
    if (ghost !== undefined) {
      ghosts.delete(key);
      ghostBytes -= ghost;
      main.add(entry);
      mainBytes += size;
    } else {
      small.add(entry);
      smallBytes += size;
    }
  });
  return hits / keys.length;
}
