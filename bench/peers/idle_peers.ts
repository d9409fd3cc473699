import { median, type Report, round } from "../report.ts";
import { type Bar, ratio } from "./bench.ts";
import { pause } from "./calls.ts";
import { type Node, startCollectingNode, startOwners } from "./processes.ts";
import type { Memory } from "./tasks.ts";

const PEERS = 200;
const KEYS = 20 * PEERS;
const CALLERS = 64;
/** The default of `limits.maxChannels`. */
const CHANNELS = 64;
/** Rounds of traffic until all channels are open, at most, and with them. */
const MAX_OPENING = 40;
const TRAFFIC = 10;
const IDLE_MS = 10_000;
const ROUNDS = 3;
const LIMIT = 1.05;

/** What one pair of callers took. */
interface Round {
  readonly inTraffic: Record<Way, Memory>;
  readonly idle: Record<Way, Memory>;
  /** How many channels were open in traffic, and after it. */
  readonly open: number;
  readonly left: number;
  /** When the last one was seen closed, in milliseconds. */
  readonly closedMs: number;
  /** Processor time without calls, in microseconds a second. */
  readonly idleMicros: Record<Way, number>;
}

type Way = "channels" | "requests";

/** The same traffic to many peers over channels and over ordinary requests only, and then none. */
export const idlePeers: Bar = async ({ runtime }): Promise<Report> => {
  await using stack = new AsyncDisposableStack();
  const owners = stack.use(await startOwners(runtime, PEERS));
  const urls = await owners.ask<string[]>("urls");
  const rounds: Round[] = [];
  // The first round has the owners load, which is more for whoever asks first.
  for (let i = -1; i < ROUNDS; i++) {
    await using both = new AsyncDisposableStack();
    const start = async (maxChannels: number) => {
      const env = { GROUPCACHE_BENCH_MAX_CHANNELS: String(maxChannels) };
      const node = both.use(await startCollectingNode(runtime, env));
      await node.ask("peers", { urls: [...urls, node.url] });
      await node.ask("keys", { owners: urls, count: KEYS });
      return node;
    };
    const [channels, requests] = [await start(CHANNELS), await start(0)];
    if (i >= 0) rounds.push(await measure(owners, channels, requests));
  }

  const middle = (of: (round: Round) => number) => median(rounds.map(of));
  const figuresOf = (way: Way) => {
    const mebibytes = (of: (round: Round) => number) => round(middle(of) / (1 << 20), 1);
    return {
      "MiB in traffic": mebibytes(({ inTraffic }) => inTraffic[way].resident),
      "idle": mebibytes(({ idle }) => idle[way].resident),
      "alive in traffic": mebibytes(({ inTraffic }) => inTraffic[way].live),
      "alive idle": mebibytes(({ idle }) => idle[way].live),
      "idle, ms/s": round(middle(({ idleMicros }) => idleMicros[way]) / 1000, 1),
    };
  };
  const idle = (way: Way, kind: keyof Memory) => rounds.map(({ idle }) => idle[way][kind]);
  const times = ratio(idle("channels", "resident"), idle("requests", "resident"));
  const timesLive = ratio(idle("channels", "live"), idle("requests", "live"));
  const left = Math.max(...rounds.map(({ left }) => left));
  return {
    bar: `A caller of ${PEERS} peers, then ${IDLE_MS / 1000} s without calls`,
    limit: `no channel is open any more, and memory is at most ${LIMIT} times that of a caller ` +
      "by ordinary requests only",
    rows: [
      {
        case: "with channels",
        figures: {
          ...figuresOf("channels"),
          "channels": middle(({ open }) => open),
          "left": left,
          "closed after": `${round(middle(({ closedMs }) => closedMs) / 1000, 1)} s`,
          "memory, alive": `${round(times)}, ${round(timesLive)} times`,
        },
        isMet: left === 0 && times <= LIMIT && rounds.every(({ open }) => open === CHANNELS),
      },
      { case: "ordinary requests only", figures: figuresOf("requests") },
    ],
  };
};

async function measure(owners: Node, channels: Node, requests: Node): Promise<Round> {
  const countOpen = () => owners.ask<number>("openChannels");
  // In turns, so that both make the same calls.
  let open = 0;
  const traffic = async () => {
    const query = { calls: KEYS, callers: CALLERS };
    await channels.ask("calls", query);
    open = await countOpen();
    await requests.ask("calls", query);
  };
  for (let i = 0; i < MAX_OPENING && open < CHANNELS; i++) await traffic();
  for (let i = 0; i < TRAFFIC; i++) await traffic();
  const memory = async (): Promise<Record<Way, Memory>> => ({
    channels: await channels.ask<Memory>("memoryInUse"),
    requests: await requests.ask<Memory>("memoryInUse"),
  });
  const inTraffic = await memory();

  const processorMicros = async (): Promise<Record<Way, number>> => ({
    channels: await channels.ask<number>("processorMicros"),
    requests: await requests.ask<number>("processorMicros"),
  });
  const before = await processorMicros();
  const startMs = performance.now();
  let closedMs = NaN;
  for (let left = IDLE_MS; left > 0; left = startMs + IDLE_MS - performance.now()) {
    await pause(Math.min(250, left));
    if (Number.isNaN(closedMs) && await countOpen() === 0) closedMs = performance.now() - startMs;
  }
  const after = await processorMicros();
  const idleMicros = {
    channels: (after.channels - before.channels) / (IDLE_MS / 1000),
    requests: (after.requests - before.requests) / (IDLE_MS / 1000),
  };
  return { inTraffic, open, closedMs, idleMicros, left: await countOpen(), idle: await memory() };
}
