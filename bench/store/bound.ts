import { answer, inChild, residentBytes, task } from "./child.ts";
import { collect, type Report, round, turn } from "../report.ts";
import { randomNumbers } from "./rng.ts";
import { segmentStore } from "./subjects.ts";

const MIB = 1 << 20;
const MAX_GROWTH = 1.1;
const MIN_PAYLOAD = 0.8;
const TIMES_FILLED = 3;
const LOOKS = 300;

const SIZES: Record<string, number | undefined> = {
  "100 B": 100,
  "1 KiB": 1024,
  "10 KiB": 10 << 10,
  "100 KiB": 100 << 10,
  "1 MiB": MIB,
  "log-normal": undefined,
};

/** What is filled: a store, or as much bare memory, which is held and never touched again. */
type Subject = "store" | "bare memory";

interface Task {
  subject: Subject;
  mib: number;
  size: string;
  /** Whether the garbage is collected before each look. */
  isClean: boolean;
}

interface Result {
  peak: number;
  payload: number;
}

/**
 * Bar: what a store takes of the machine, beside what it was told to. The runtime lets garbage pile
 * up in proportion to what is held, whoever made it. So the bar is on what is left when that is
 * gone, and what there is with it stands beside: with the store, and with the same loop around bare
 * memory of the same size.
 */
export function bound(): Report {
  const rows = [64, 512].flatMap((mib) =>
    Object.keys(SIZES).map((size) => {
      const run = (subject: Subject, isClean: boolean) =>
        inChild<Result>("./bound.ts", { subject, mib, size, isClean });
      const { peak, payload } = run("store", true);
      const needsPayload = size !== "100 B";
      return {
        case: `${mib} MiB, values of ${size}`,
        figures: {
          "peak of resident growth": round(peak, 3),
          "live payload": round(payload, 3),
          "with garbage": round(run("store", false).peak, 3),
          "bare memory with garbage": round(run("bare memory", false).peak, 3),
        },
        isMet: peak <= MAX_GROWTH && (!needsPayload || payload >= MIN_PAYLOAD),
      };
    })
  );
  return {
    bar: `Memory of a store that is filled ${TIMES_FILLED} times over, in parts of maxBytes`,
    limit: `growth at most ${MAX_GROWTH}; payload at least ${MIN_PAYLOAD} from 1 KiB on`,
    rows,
  };
}

/** Sizes around 1 KiB, a few of them a thousand times as large. */
function logNormal(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(Math.ceil(Math.exp(Math.log(1024) + 1.8 * normal)), 2 * MIB);
}

/** Memory that is taken as a store would take it while it is filled. */
function bareMemory(maxBytes: number): (value: Uint8Array) => void {
  const held: Uint8Array[] = [];
  let put = 0;
  return (value) => {
    put += value.byteLength;
    while (held.length * MIB < Math.min(put, maxBytes)) held.push(new Uint8Array(MIB).fill(1));
  };
}

async function measure({ subject, mib, size, isClean }: Task): Promise<Result> {
  const random = randomNumbers(1);
  const source = new Uint8Array(2 * MIB).fill(7);
  const sizeOf = () => SIZES[size] ?? logNormal(random);
  // What the runtime and this loop need for themselves comes before the first look at memory: the
  // same work, with a store that holds next to nothing.
  const warm = segmentStore(MIB / 2);
  await fill(warm.set, TIMES_FILLED * mib * MIB);
  collect();
  await turn(50);
  const before = residentBytes();

  const { store, set } = segmentStore(mib * MIB);
  const holdBare = bareMemory(mib * MIB);
  let peak = 0;
  await fill(
    subject === "store" ? set : (_, value) => holdBare(value),
    TIMES_FILLED * mib * MIB,
    async () => {
      if (isClean) {
        collect();
        await turn(1);
      }
      peak = Math.max(peak, residentBytes() - before);
    },
  );
  const { payloadBytes } = store.stats();
  return { peak: peak / mib / MIB, payload: payloadBytes / mib / MIB };

  async function fill(
    set: (key: string, value: Uint8Array) => void,
    bytes: number,
    look: () => Promise<void> = () => turn(),
  ): Promise<void> {
    let sinceLook = 0;
    for (let i = 0, put = 0; put < bytes; i++) {
      const length = sizeOf();
      set(`some:key:${i}`, source.subarray(0, length));
      put += length;
      sinceLook += length + 200;
      if (sinceLook < bytes / LOOKS) continue;
      sinceLook = 0;
      await look();
      await turn();
    }
    await look();
  }
}

if (import.meta.main) answer(await measure(task<Task>()));
