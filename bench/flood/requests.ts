import { encodeGetKeysRequest } from "../../lib/wire/get_keys_request.ts";
import { encodeSetRequest } from "../../lib/wire/set_request.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };
const BASE = "/_groupcache/";

/** A body that comes byte by byte. */
function trickle(bytes: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(Uint8Array.of(1));
      if (--bytes === 0) controller.close();
    },
  });
}

const SET = encodeSetRequest({
  group: "group",
  key: "another key",
  value: new Uint8Array(10_000),
  expiresAtMs: Infinity,
});
const MANY_KEYS = encodeGetKeysRequest(Array<string>(1000).fill("the same key"));
const HELLO = {
  instance: "forged",
  self: "http://127.0.0.1:1",
  peers: [],
  placement: "rendezvous",
  isLeaving: true,
  hadGivenUp: true,
};

/** A kind of bad request. */
export interface BadRequest {
  readonly name: string;
  /** The request of a number. */
  readonly make: (number: number) => [path: string, init: RequestInit];
}

/** What strangers send. Each kind takes its turn. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  { name: "get of any key", make: (number) => [`${BASE}group/stranger%20${number % 500}`, {}] },
  { name: "path that is no text", make: () => [`${BASE}group/%ff%fe`, {}] },
  { name: "unknown group", make: () => [`${BASE}none/key`, {}] },
  {
    name: "unknown method",
    make: () => [`${BASE}group/${"k".repeat(3000)}`, { method: "PATCH" }],
  },
  {
    name: "forged proof",
    make: () => [`${BASE}group/key`, { headers: { "groupcache-auth": "a.b.c.d" } }],
  },
  {
    name: "put of another key",
    make: () => [`${BASE}group/key`, { method: "PUT", headers: PROTOBUF, body: SET }],
  },
  {
    name: "put of no message",
    make: () => [
      `${BASE}group/key`,
      { method: "PUT", headers: PROTOBUF, body: new Uint8Array(1000) },
    ],
  },
  {
    name: "put byte by byte",
    make: () => [
      `${BASE}group/key`,
      { method: "PUT", headers: PROTOBUF, body: trickle(50), duplex: "half" } as RequestInit,
    ],
  },
  {
    name: "1000 times one key",
    make: () => [
      `${BASE}group/_get-keys/`,
      { method: "POST", headers: PROTOBUF, body: MANY_KEYS },
    ],
  },
  {
    name: "list that is a value",
    make: () => [`${BASE}group/_get-keys/`, { method: "POST", headers: PROTOBUF, body: SET }],
  },
  {
    name: "removal from a page",
    make: () => [
      `${BASE}group/_remove-keys/`,
      {
        method: "POST",
        headers: { origin: "http://evil", "content-type": "text/plain" },
        body: "{}",
      },
    ],
  },
  {
    name: "forged handoff",
    make: () => [
      `${BASE}group/_handoff-keys/`,
      {
        method: "POST",
        headers: JSON_TYPE,
        body: JSON.stringify({ from: "http://127.0.0.1:1", keys: Array(500).fill("key") }),
      },
    ],
  },
  {
    name: "forged hello",
    make: () => [BASE, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(HELLO) }],
  },
  {
    name: "hello that is no JSON",
    make: () => [BASE, { method: "POST", headers: JSON_TYPE, body: "{".repeat(1000) }],
  },
  {
    name: "channel of garbage",
    make: () => [`${BASE}_channel/`, { method: "POST", headers: PROTOBUF, body: "garbage" }],
  },
];
