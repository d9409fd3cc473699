import { LRUCache } from "lru-cache";
import { GroupCache } from "../../lib/group_cache.ts";
import { json, text } from "../../lib/codec.ts";
import { answer, inChild, task } from "./child.ts";
import { median, type Report, round } from "../report.ts";
import { randomNumbers } from "./rng.ts";

const ENTRIES = 10_000;
const ROUNDS = 15;
const BATCHES = 100;
/** Keys made at a time: a request asks for its key soon after it was made. */
const BATCH_KEYS = 500;
/** How far an awaited hit may be from the least that one can take. */
const MAX_RATIO = 1.15;

/** As JSON: 226 bytes. */
interface User {
  id: number;
  name: string;
  mail: string;
  roles: string[];
  active: boolean;
  address: { street: string; city: string; country: string };
  created: string;
}

const userOf = (key: string): User => ({
  id: Number(key.slice(13)),
  name: "Ada King",
  mail: "ada.king@example.org",
  roles: ["admin", "author"],
  active: true,
  address: { street: "12 St James's Square", city: "London", country: "United Kingdom" },
  created: "1835-07-08T10:00:00.000Z",
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const keyBytes = new Uint8Array(19);
const keyOf = (id: number): string => `user:profile:${100_000 + id}`;

/** A key as a request brings it: a string that nobody has seen before. */
function freshKey(id: number): string {
  encoder.encodeInto(keyOf(id), keyBytes);
  return decoder.decode(keyBytes);
}

/** How values come out: as what the codec of that name makes of 226 bytes. */
const CODECS = ["view", "text", "json"] as const;

interface Task {
  codec: typeof CODECS[number];
  keys: "new" | "same";
}

/** Nanoseconds an awaited hit. */
interface Result {
  group: number;
  lruCache: number;
  map: number;
}

/** Bar: how fast a hit is for those who use a group. */
export function groupGet(): Report {
  const rows = CODECS.flatMap((codec) =>
    (["new", "same"] as const).map((keys) => {
      const ns = inChild<Result>("./group_get.ts", { codec, keys } satisfies Task);
      const ratio = ns.group / ns.map;
      return {
        case: `${codec}, ${keys} key strings`,
        figures: {
          "group.get, ns": round(ns.group, 0),
          "lru-cache's fetch, ns": round(ns.lruCache, 0),
          "Map and a resolved promise, ns": round(ns.map, 0),
          "times the Map's": round(ratio),
        },
        ...(keys === "new" ? { isMet: ratio <= MAX_RATIO } : {}),
      };
    })
  );
  return {
    bar: `An awaited hit, ${ENTRIES} values of 226 bytes; the making of the key is not counted`,
    limit: `at most ${MAX_RATIO} times an awaited look-up in a bare Map with new key strings`,
    rows,
  };
}

type Get = (key: string) => Promise<unknown>;

async function measure({ codec, keys }: Task): Promise<Result> {
  const same = Array.from({ length: ENTRIES }, (_, id) => keyOf(id));
  await using cache = new GroupCache();
  const maxBytes = 16 << 20;
  const load = (key: string) => JSON.stringify(userOf(key));
  const group: { get: Get } = codec === "json"
    ? cache.group("users", { maxBytes, codec: json<User>(), load: userOf })
    : codec === "text"
    ? cache.group("users", { maxBytes, codec: text, load })
    : cache.group("users", { maxBytes, load });
  const lru = new LRUCache<string, object | string>({
    max: ENTRIES,
    fetchMethod: (key) =>
      codec === "json" ? userOf(key) : codec === "text" ? load(key) : encoder.encode(load(key)),
  });
  const map = new Map<string, unknown>();
  for (const key of same) {
    map.set(
      key,
      codec === "json" ? userOf(key) : codec === "text" ? load(key) : encoder.encode(load(key)),
    );
  }
  const subjects: Record<keyof Result, Get> = {
    group: (key) => group.get(key),
    lruCache: (key) => lru.fetch(key),
    map: (key) => Promise.resolve(map.get(key)),
  };
  // What is decoded is kept from the second hit on.
  for (const key of [...same, ...same]) {
    for (const get of Object.values(subjects)) await get(key);
  }

  const times: Record<keyof Result, number[]> = { group: [], lruCache: [], map: [] };
  const random = randomNumbers(1);
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ["group", "lruCache", "map"] as const) {
      const get = subjects[name];
      let ms = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const asked = Array.from({ length: BATCH_KEYS }, () => {
          const id = Math.floor(random() * ENTRIES);
          return keys === "new" ? freshKey(id) : same[id] as string;
        });
        const start = performance.now();
        for (const key of asked) await get(key);
        ms += performance.now() - start;
      }
      times[name].push(ms * 1e6 / BATCHES / BATCH_KEYS);
    }
  }
  return {
    group: median(times.group),
    lruCache: median(times.lruCache),
    map: median(times.map),
  };
}

if (import.meta.main) answer(await measure(task<Task>()));
