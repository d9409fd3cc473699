import { answer, inChild, residentBytes, task } from "./child.ts";
import { collect, type Report, round, turn } from "./report.ts";
import { randomNumbers } from "./rng.ts";
import { segmentStore } from "./subjects.ts";

const MIB = 1 << 20;
const MAX_GROWTH = 1.1;
const MIN_PAYLOAD = 0.8;
const TIMES_FILLED = 3;

const SIZES: Record<string, number | undefined> = {
  "100 B": 100,
  "1 KiB": 1024,
  "10 KiB": 10 << 10,
  "100 KiB": 100 << 10,
  "1 MiB": MIB,
  "log-normal": undefined,
};

interface Task {
  mib: number;
  size: string;
}

interface Result {
  peak: number;
  end: number;
  payload: number;
}

/** Bar: what a store takes of the machine, beside what it was told to. */
export function bound(): Report {
  const rows = [64, 512].flatMap((mib) =>
    Object.keys(SIZES).map((size) => {
      const { peak, end, payload } = inChild<Result>("./bound.ts", { mib, size });
      const needsPayload = size !== "100 B";
      return {
        case: `${mib} MiB, values of ${size}`,
        figures: {
          "peak of resident growth": round(peak, 3),
          "growth at the end": round(end, 3),
          "live payload": round(payload, 3),
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

async function measure({ mib, size }: Task): Promise<Result> {
  const random = randomNumbers(1);
  const source = new Uint8Array(2 * MIB).fill(7);
  const sizeOf = () => SIZES[size] ?? logNormal(random);
  // What the runtime and this loop need for themselves comes before the first look at memory: the
  // same work, with a store that holds next to nothing.
  await fill(segmentStore(MIB / 2), TIMES_FILLED * mib * MIB, sizeOf);
  collect();
  await turn(50);
  const before = residentBytes();

  const subject = segmentStore(mib * MIB);
  let peak = 0;
  await fill(subject, TIMES_FILLED * mib * MIB, sizeOf, () => {
    peak = Math.max(peak, residentBytes() - before);
  });
  const end = residentBytes() - before;
  const { payloadBytes } = subject.store.stats();
  return { peak: peak / mib / MIB, end: end / mib / MIB, payload: payloadBytes / mib / MIB };

  async function fill(
    { store }: ReturnType<typeof segmentStore>,
    bytes: number,
    sizeOf: () => number,
    look: () => void = () => {},
  ): Promise<void> {
    let sinceLook = 0;
    for (let i = 0, put = 0; put < bytes; i++) {
      const length = sizeOf();
      store.set(`some:key:${i}`, source.subarray(0, length), Infinity);
      put += length;
      sinceLook += length + 200;
      if (sinceLook < bytes / 300) continue;
      sinceLook = 0;
      look();
      await turn();
    }
    look();
  }
}

if (import.meta.main) answer(await measure(task<Task>()));
