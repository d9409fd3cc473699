import { text } from "../../lib/codec.ts";
import { GroupCache } from "../../lib/group_cache.ts";
import { answer, inChild, task } from "./child.ts";
import { type Report, round, turn } from "../report.ts";
import { randomNumbers, zipfRanks } from "./rng.ts";

const MAX_BYTES = 32 << 20;
/** The values of all keys, in groups of this size. */
const KEYS_BYTES = 4 * MAX_BYTES;
const SKEW = 0.9;
/**
 * The values asked for, in the same measure. With a quarter of it, what was lent while the group
 * filled may still be missing: Bun's collector has found nothing to do by then.
 */
const ASKED_BYTES = 32 * MAX_BYTES;
const MIN_REQUESTS = 200_000;
const MAX_REQUESTS = 3_000_000;
const LOOKS = 200;

/** The payload that a group must hold, by the size of its values, in parts of `maxBytes`. */
const MIN_PAYLOAD: Record<number, number> = { 100: 0.6, 1024: 0.8, 16_384: 0.8 };

type Codec = "view" | "text";

interface Task {
  valueBytes: number;
  codec: Codec;
}

interface Result {
  /** On average over the second half, in parts of `maxBytes`. */
  payload: number;
  lent: number;
  hitRatio: number;
}

/** Bar: how much of its memory a group fills with keys and values when they come through `get`. */
export function groupPayload(): Report {
  const rows = Object.entries(MIN_PAYLOAD).flatMap(([size, minPayload]) =>
    (["view", "text"] as const).map((codec) => {
      const valueBytes = Number(size);
      const result = inChild<Result>("./group_payload.ts", { valueBytes, codec } satisfies Task);
      return {
        case: `values of ${valueBytes} bytes, ${codec}`,
        figures: {
          "payload held": round(result.payload, 3),
          "lent": round(result.lent, 3),
          "hits, %": round(100 * result.hitRatio),
        },
        ...(codec === "view" && { isMet: result.payload >= minPayload }),
      };
    })
  );
  return {
    bar: `What a group of ${
      MAX_BYTES >> 20
    } MiB holds through get (Zipf ${SKEW}), in parts of maxBytes`,
    limit: "as views, payload at least 0.8 for values of 1 and 16 KiB, 0.6 for 100 bytes",
    rows,
  };
}

async function measure({ valueBytes, codec }: Task): Promise<Result> {
  const keys = Math.floor(KEYS_BYTES / valueBytes);
  const asked = Math.floor(ASKED_BYTES / valueBytes);
  const requests = Math.min(Math.max(MIN_REQUESTS, asked), MAX_REQUESTS);
  const rank = zipfRanks(keys, SKEW, randomNumbers(1));
  const string = "v".repeat(valueBytes);
  const bytes = new TextEncoder().encode(string);
  await using cache = new GroupCache();
  const group = codec === "view"
    ? cache.group("values", { maxBytes: MAX_BYTES, load: () => bytes })
    : cache.group("values", { maxBytes: MAX_BYTES, codec: text, load: () => string });

  let payloadBytes = 0;
  let lentBytes = 0;
  let looks = 0;
  for (let i = 0; i < requests; i++) {
    await group.get(`user:profile:${100_000 + rank()}`);
    if (i % Math.ceil(requests / LOOKS) !== 0) continue;
    await turn();
    if (i < requests / 2) continue;
    const { main } = group.stats();
    payloadBytes += main.payloadBytes;
    lentBytes += main.lentBytes;
    looks++;
  }
  const { hits, gets } = group.stats();
  return {
    payload: payloadBytes / looks / MAX_BYTES,
    lent: lentBytes / looks / MAX_BYTES,
    hitRatio: hits / gets,
  };
}

if (import.meta.main) answer(await measure(task<Task>()));
