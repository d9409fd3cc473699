import process from "node:process";
import { type Group, type GroupCache, rendezvous } from "../../mod.ts";
import type { ByteView, ByteViewInit } from "../../mod.ts";
import { zipfRanks } from "../store/rng.ts";
import {
  type Call,
  Keys,
  latencies,
  latenciesAtOnce,
  load,
  pause,
  percentile,
  processorMicros,
  steadily,
  throughput,
} from "./calls.ts";
import { bareFetch, ioredis, redis } from "./subjects.ts";
import { VALUE, valueOf } from "./value.ts";

/** What a process can be told to do, with what the query says. */
export type Task = (query: Readonly<Record<string, string>>) => unknown;

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

/** The tasks of a process. */
export function tasksOf({ self, cache, plain, mirrored }: Equipment): Record<string, Task> {
  let keys = new Keys([]);
  const subjects: Record<string, Call> = { ours: (key) => plain.get(key) };
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

    bare: ({ target = "", bytes }) => {
      subjects["bare"] = bareFetch(bytes === undefined ? target : `${target}/size/${bytes}`);
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

    memory: () => process.memoryUsage.rss(),

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
