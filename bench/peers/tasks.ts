import { type Group, type GroupCache, rendezvous } from "../../mod.ts";
import type { ByteView, ByteViewInit } from "../../mod.ts";
import { type Call, Keys, latencies, percentile, throughput } from "./calls.ts";
import { bareFetch, redis } from "./subjects.ts";

/** What a process can be told to do, with what the query says. */
export type Task = (query: Readonly<Record<string, string>>) => unknown;

type Values = Group<ByteView, ByteViewInit>;

/** What a process has to work with. */
export interface Equipment {
  cache: GroupCache;
  /** A group that mirrors nothing, so that each `get` goes to the key's owner. */
  plain: Values;
  /** A group that mirrors as groups do. */
  mirrored: Values;
}

/** The tasks of a process. */
export function tasksOf({ cache, plain }: Equipment): Record<string, Task> {
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
    keys: async ({ owners = "", count }) => {
      const list = keysOf(cache.peers, owners.split(","), Number(count));
      await plain.getMany(list);
      keys = new Keys(list);
    },

    bare: ({ target = "" }) => {
      subjects["bare"] = bareFetch(target);
    },

    redis: async ({ port, count }) => {
      subjects["redis"] = await redis(Number(port), keys.take(Number(count)));
    },

    throughput: ({ subject, callers, ms }) =>
      throughput(subjectOf(subject), keys, { callers: Number(callers), ms: Number(ms) }),

    latency: async ({ subject, ms }) => {
      const taken = await latencies(subjectOf(subject), keys, Number(ms));
      return { p50: percentile(taken, 0.5), p99: percentile(taken, 0.99) };
    },
  };
}

/** Keys that belong to one of the owners. */
function keysOf(peers: readonly string[], owners: readonly string[], count: number): string[] {
  const rank = rendezvous().rank(peers);
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) {
    const key = `user:${i}`;
    const [owner = ""] = rank(key);
    if (owners.includes(owner)) keys.push(key);
  }
  return keys;
}
