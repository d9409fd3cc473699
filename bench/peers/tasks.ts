import process from "node:process";
import { type Group, type GroupCache, rendezvous } from "../../mod.ts";
import type { ByteView, ByteViewInit } from "../../mod.ts";
import { zipfRanks } from "../store/rng.ts";
import { collectAll } from "../report.ts";
import {
  type Call,
  callAll,
  Keys,
  latencies,
  latenciesAtOnce,
  load,
  pause,
  percentile,
  processorMicros,
  repeatUntil,
  steadily,
  throughput,
} from "./calls.ts";
import { bareFetch, ioredis, redis } from "./subjects.ts";
import { VALUE, valueOf } from "./value.ts";

/** What a process can be told to do, with what the query says. */
export type Task = (query: Readonly<Record<string, string>>) => unknown;

/** What a process takes, in bytes, with no garbage: of the machine's memory, and for what is alive. */
export interface Memory {
  resident: number;
  live: number;
}

type Values = Group<ByteView, ByteViewInit>;

/** What a process has to work with. */
export interface Equipment {
  /** The process's own URL. */
  self: string;
  cache: GroupCache;
  /** A group that mirrors nothing, so that each `get` goes to the key's owner. */
  plain: Values;
  /** A group that mirrors as groups do. */
  mirrored: Values;
}

const LOCAL_HITS = 300_000;
const LARGE_KEYS = 8;
const COLLECTIONS = 5;

/** The tasks of a process. */
export function tasksOf({ self, cache, plain, mirrored }: Equipment): Record<string, Task> {
  let keys = new Keys([]);
  const subjects: Record<string, Call> = {
    ours: (key) => plain.get(key),
    set: (key) => plain.set(key, VALUE),
    remove: (key) => plain.remove(key),
  };
  const subjectOf = (name = ""): Call => {
    const call = subjects[name];
    if (call === undefined) throw new Error(`Cannot find ${name}`);
    return call;
  };
  return {
    peers: ({ urls = "" }) => cache.setPeers(urls.split(",")),

    /** Takes keys of these owners to ask for, and has the owners load them. */
    keys: async ({ owners = "", count, bytes }) => {
      const prefix = bytes === undefined ? undefined : `size:${bytes}:`;
      const list = keysOf(cache.peers, owners.split(","), Number(count), prefix);
      await plain.getMany(list);
      keys = new Keys(list);
    },

    bare: ({ target = "", bytes, name = "bare" }) => {
      subjects[name] = bareFetch(bytes === undefined ? target : `${target}/size/${bytes}`);
    },

    redis: async ({ port, count, client, bytes }) => {
      const value = bytes === undefined ? VALUE : valueOf(Number(bytes));
      const connect = client === "ioredis" ? ioredis : redis;
      const list = keys.take(Number(count));
      subjects[client ?? "redis"] = await connect(Number(port), list, value);
    },

    throughput: ({ subject, callers, ms }) =>
      throughput(subjectOf(subject), keys, { callers: Number(callers), ms: Number(ms) }),

    load: ({ subject, callers, ms, isIndependent }) =>
      load(subjectOf(subject), keys, {
        callers: Number(callers),
        ms: Number(ms),
        isIndependent: Boolean(isIndependent),
      }),

    processorMicros,

    /** Beside it one more caller may ask for large values in a loop. */
    loadBeside: async ({ subject, large = "", callers, ms, owner = "", bytes = "" }) => {
      const run = load(subjectOf(subject), keys, {
        callers: Number(callers),
        ms: Number(ms),
        isIndependent: true,
      });
      if (large === "") return { ...await run, largePerSecond: NaN };
      const largeKeys = new Keys(keysOf(cache.peers, [owner], LARGE_KEYS, `size:${bytes}:`));
      const [figures, largePerSecond] = await Promise.all([
        run,
        repeatUntil(run, subjectOf(large), largeKeys),
      ]);
      return { ...figures, largePerSecond };
    },

    /** As many calls as there are to be, however long they take. */
    calls: ({ calls, callers }) =>
      callAll((key) => plain.get(key), keys, { calls: Number(calls), callers: Number(callers) }),

    memory: () => process.memoryUsage.rss(),

    memoryInUse: async (): Promise<Memory> => {
      for (let i = 0; i < COLLECTIONS; i++) {
        collectAll();
        // Finalizers run, and memory is given back, between turns.
        await pause(100);
      }
      const { rss, heapUsed, external } = process.memoryUsage();
      return { resident: rss, live: heapUsed + external };
    },

    latency: async ({ subject, ms }) => {
      const taken = await latencies(subjectOf(subject), keys, Number(ms));
      return summary(taken);
    },

    many: async ({ batch, ms }) =>
      Number(batch) * await throughput(
        () => plain.getMany(keys.take(Number(batch))),
        keys,
        { callers: 1, ms: Number(ms) },
      ),

    slowKey: async ({ batch, ms, owner = "" }) => {
      const get = (key: string) => plain.get(key);
      const withSlow: number[] = [];
      const without: number[] = [];
      // Others each time: those of the last time are in memory now.
      const slowKeys = new Keys(keysOf(cache.peers, [owner], 1000, `slow:${Date.now()}:`));
      const loads: Promise<unknown>[] = [];
      const end = performance.now() + Number(ms);
      while (performance.now() < end) {
        const slow = slowKeys.next();
        const others = latenciesAtOnce(get, keys.take(Number(batch) - 1));
        loads.push(plain.get(slow));
        withSlow.push(...await others);
        await pause(20);
        without.push(...await latenciesAtOnce(get, keys.take(Number(batch))));
        await pause(20);
      }
      await Promise.all(loads);
      return { withSlow: summary(withSlow), without: summary(without) };
    },

    oneKey: ({ owner = "", ms, perSecond }) => {
      const [key = ""] = keysOf(cache.peers, [owner], 1);
      return steadily(() => mirrored.get(key), Number(ms), Number(perSecond));
    },

    zipf: ({ keys: count, exponent, ms }) => {
      const rank = zipfRanks(Number(count), Number(exponent), Math.random);
      const sample = new Keys(Array.from({ length: 300_000 }, () => `user:${rank()}`));
      return throughput((key) => mirrored.get(key), sample, { callers: 64, ms: Number(ms) });
    },

    ownerOf: ({ key = "" }) => ownerOf(cache.peers)(key),

    localHit: async () => {
      const [key = ""] = keysOf(cache.peers, [self], 1);
      const start = performance.now();
      for (let i = 0; i < LOCAL_HITS; i++) await plain.get(key);
      return (performance.now() - start) / LOCAL_HITS * 1e6;
    },

    stats: () => mirrored.stats(),
  };
}

/** Keys that belong to one of the owners. */
function keysOf(
  peers: readonly string[],
  owners: readonly string[],
  count: number,
  prefix = "user:",
): string[] {
  const owner = ownerOf(peers);
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) {
    const key = `${prefix}${i}`;
    if (owners.includes(owner(key))) keys.push(key);
  }
  return keys;
}

function ownerOf(peers: readonly string[]): (key: string) => string {
  const rank = rendezvous().rank(peers);
  return (key) => {
    const [owner = ""] = rank(key);
    return owner;
  };
}

function summary(taken: readonly number[]): { p50: number; p99: number } {
  return { p50: percentile(taken, 0.5), p99: percentile(taken, 0.99) };
}
