import { assert } from "@std/assert";
import { GroupCache, GroupCacheError, text } from "@groupcache/groupcache";
import { cutStream, mutateBytes, mutateText } from "../mutate.ts";
import type { Random } from "../random.ts";
import type { FuzzTarget } from "../target.ts";
import {
  AUTH,
  BASE,
  GROUP,
  KEYS,
  load,
  OTHER,
  recordExchanges,
  type Reply,
  SELF,
} from "./recording.ts";

/** The client of a peer, with replies of real peers, changed. Calls settle with GroupCacheErrors. */
export const client: FuzzTarget = {
  name: "client",
  weight: 3,
  async run(random) {
    const exchanges = await recordExchanges();
    const fetch = (url: string, init: RequestInit = {}): Promise<Response> => {
      if (random.oneIn(20)) return Promise.reject(new TypeError("connection reset"));
      const kind = kindOf(init.method ?? "GET", new URL(url).pathname);
      const alike = exchanges.filter(({ method, path }) => kindOf(method, path) === kind);
      const { reply } = random.pick(random.oneIn(20) || alike.length === 0 ? exchanges : alike);
      return Promise.resolve(responseLike(reply, random));
    };
    const auth = random.pick(AUTH);
    const options = { self: SELF, peers: [SELF, OTHER], fetch, log: false as const };
    await using cache = new GroupCache(auth === undefined ? options : { ...options, auth });
    const group = cache.group(GROUP, { maxBytes: 1 << 20, codec: text, load });
    for (let i = 0; i < 2; i++) {
      const key = random.pick(KEYS);
      const call = random.pick<() => Promise<unknown>>([
        () => group.get(key),
        () => Promise.all(KEYS.slice(0, 4).map((key) => group.get(key).catch(check))),
        () => group.getMany(KEYS.slice(0, 10), { settled: true }),
        () => group.set(key, "set"),
        () => group.remove(key),
      ]);
      await call().catch(check);
    }
  },
};

function check(error: unknown): void {
  if (!(error instanceof GroupCacheError)) throw error;
  assert(!/\n\s+at /.test(error.message), error.message);
}

/** Which endpoint a request is for. */
function kindOf(method: string, path: string): string {
  const [, name] = /(_[a-z-]+\/)$/.exec(path) ?? [];
  return path === BASE ? "hello" : name ?? method;
}

function responseLike(reply: Reply, random: Random): Response {
  const headers = new Headers();
  for (const [name, value] of reply.headers) {
    if (random.oneIn(20)) continue;
    try {
      headers.set(name, random.oneIn(15) ? mutateText(value, random) : value);
    } catch {
      // No server could send it.
    }
  }
  const status = random.oneIn(15) ? random.pick([200, 302, 404, 413, 421, 500, 503]) : reply.status;
  const body = mutateBytes(reply.body, random);
  return new Response(random.oneIn(2) ? body : cutStream(body, random), { status, headers });
}
