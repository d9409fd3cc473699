import { assert } from "@std/assert";
import type { GroupCache } from "@groupcache/groupcache";
import { cutStream, mutateBytes, mutateText } from "../mutate.ts";
import type { Random } from "../random.ts";
import type { FuzzTarget } from "../target.ts";
import { AUTH, createCache, type Exchange, recordExchanges, SELF } from "./recording.ts";

const METHODS = ["GET", "PUT", "DELETE", "POST", "HEAD", "PATCH", "OPTIONS"];

const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["content-length", ["0", "5", "-1", "1e9", "99999999999999999999", "x"]],
  ["groupcache-timeout-ms", ["0", "-1", "1e999", "NaN", "x", "1"]],
  ["groupcache-from", ["", "x".repeat(5000), "a.b"]],
  ["groupcache-peek", ["1", "0", "x"]],
  ["groupcache-auth", ["a.b", "a.b.c.d", "a.b.c.1.d.e", "....."]],
  ["content-type", ["text/plain", "x"]],
  ["host", ["evil/_groupcache/texts/k?", "a"]],
  ["origin", ["http://evil"]],
];

let cases = 0;
let caches: readonly GroupCache[] = [];

/** The handler as a whole, with requests of real peers, changed. It always replies, and not with 500. */
export const handler: FuzzTarget = {
  name: "handler",
  weight: 10,
  async run(random) {
    const exchanges = await recordExchanges();
    // A new one now and then: what a hello or a removal leaves behind must not hide what comes after.
    if (cases++ % 1000 === 0) {
      for (const cache of caches) await cache.close();
      caches = AUTH.map(createCache);
    }
    const request = requestLike(random.pick(exchanges), random);
    if (request === undefined) return;
    const response = await random.pick(caches).fetch(request);
    assert(response.status !== 500, `${request.method} ${request.url}: ${response.status}`);
    const reply = await response.bytes();
    if (response.ok) return;
    const message = new TextDecoder().decode(reply);
    assert(!/\n\s+at /.test(message), message);
  },
};

function requestLike(exchange: Exchange, random: Random): Request | undefined {
  const method = random.oneIn(10) ? random.pick(METHODS) : exchange.method;
  const path = random.oneIn(3) ? mutateText(exchange.path, random) : exchange.path;
  const headers = new Headers();
  try {
    for (const [name, value] of exchange.headers) {
      if (random.oneIn(20)) continue;
      headers.set(name, random.oneIn(10) ? mutateText(value, random) : value);
    }
    if (random.oneIn(3)) {
      const [name, values] = random.pick(HEADERS);
      headers.set(name, random.pick(values));
    }
    return new Request(`${SELF}/${path.replace(/^\//, "")}`, { method, headers, ...bodyOf() });
  } catch (error) {
    // No client could send it.
    if (error instanceof TypeError) return undefined;
    throw error;
  }

  function bodyOf(): RequestInit {
    if (method === "GET" || method === "HEAD") return {};
    const body = mutateBytes(exchange.body ?? new Uint8Array(0), random);
    if (random.oneIn(2)) return { body };
    return { body: cutStream(body, random), duplex: "half" } as RequestInit;
  }
}
