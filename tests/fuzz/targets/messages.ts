import { assertEquals } from "@std/assert";
import { decodeHandoff, encodeHandoff } from "../../../lib/wire/handoff.ts";
import { decodeHello, encodeHello } from "../../../lib/wire/hello.ts";
import { decodeGetKeysRequest, encodeGetKeysRequest } from "../../../lib/wire/get_keys_request.ts";
import { decodeGetResponse, encodeGetResponse, readIndex } from "../../../lib/wire/get_response.ts";
import { decodeSetRequest, encodeSetRequest } from "../../../lib/wire/set_request.ts";
import { Reader } from "../../../lib/wire/reader.ts";
import { mutateBytes, mutateText } from "../mutate.ts";
import type { Random } from "../random.ts";
import { expectOnly, type FuzzTarget } from "../target.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const value = Uint8Array.from({ length: 300 }, (_, i) => i);

const MESSAGES = [
  encodeGetResponse({ value, minuteQps: 1.5, expiresAtMs: 1_700_000_000_000, index: 7 }),
  encodeGetResponse({ pending: true }),
  encodeGetResponse({ error: "load-failed", message: "the origin is down: é", index: 300 }),
  encodeSetRequest({ group: "users", key: "a/b", value, expiresAtMs: 1_700_000_000_000 }),
  encodeGetResponse({ error: "not-found", message: "no", details: '{"a":[1]}' }),
  encodeGetKeysRequest(["a", "é", "", "x".repeat(100), "😀"]),
  encodeGetKeysRequest(["a", "b", "c"], [{ from: 0, traceparent: "00-a-b-01" }, {
    from: 2,
    traceparent: "",
  }]),
];

const HELLO = encodeHello({
  instance: "5d9f",
  self: "http://10.0.0.1:8080",
  peers: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: true,
});
const HANDOFF = encodeHandoff({ from: "http://10.0.0.1:8080", keys: ["a", "b"] });

/** Decodes bytes and, if that succeeds, encodes the message again. */
const RECODERS: ((bytes: Bytes) => Bytes)[] = [
  (bytes) => encodeGetResponse(decodeGetResponse(bytes)),
  (bytes) => encodeSetRequest(decodeSetRequest(bytes)),
  (bytes) => {
    const { keys, traces } = decodeGetKeysRequest(bytes, 100);
    return encodeGetKeysRequest(keys, traces);
  },
];

const READS: ((reader: Reader) => unknown)[] = [
  (reader) => reader.next(),
  (reader) => reader.varint(),
  (reader) => reader.bigVarint(),
  (reader) => reader.double(),
  (reader) => reader.bytes(),
  (reader) => reader.string(),
];

/** The decoders of all messages: a RangeError, or a message that encodes to itself. */
export const messages: FuzzTarget = {
  name: "messages",
  weight: 33,
  run(random) {
    if (random.oneIn(8)) return decodeJson(random);
    const bytes = mutateBytes(
      random.oneIn(6) ? random.bytes(random.below(80)) : random.pick(MESSAGES),
      random,
    );
    if (random.oneIn(4)) return readAtRandom(bytes, random);
    readIndex(bytes);
    const recode = random.pick(RECODERS);
    const recoded = expectOnly(RangeError, () => recode(bytes));
    if (recoded !== undefined) assertEquals(String(recode(recoded)), String(recoded));
  },
};

function decodeJson(random: Random): void {
  expectOnly(TypeError, () => decodeHello(mutateText(HELLO, random)));
  expectOnly(TypeError, () => decodeHandoff(mutateText(HANDOFF, random)));
}

function readAtRandom(bytes: Bytes, random: Random): void {
  const reader = new Reader(bytes);
  expectOnly(RangeError, () => {
    for (let reads = 0; reads < 20; reads++) {
      const result = random.pick(READS)(reader);
      if (typeof result === "number" && random.oneIn(3)) reader.skip(result);
    }
  });
}
