import { addTrace, type KeyTrace } from "./key_traces.ts";
import { Reader, tagOf } from "./reader.ts";
import { maxTextSize, Writer } from "./writer.ts";

const GET_KEYS_REQUEST = { key: tagOf(1, "bytes"), traceparent: tagOf(101, "bytes") };

/** A request for several keys. */
export interface GetKeysRequest {
  keys: string[];
  /** The traces that keys belong to. */
  traces: KeyTrace[];
}

/** Encodes a request for several keys, each trace before the first of its keys. */
export function encodeGetKeysRequest(
  keys: readonly string[],
  traces: readonly KeyTrace[] = [],
): Uint8Array<ArrayBuffer> {
  const writer = new Writer(
    keys.reduce((sum, key) => sum + 1 + maxTextSize(key), 0) +
      traces.reduce((sum, { traceparent }) => sum + 2 + maxTextSize(traceparent), 0),
  );
  let next = 0;
  for (const [index, key] of keys.entries()) {
    const trace = traces[next];
    if (trace?.from === index) {
      next++;
      writer.varint(GET_KEYS_REQUEST.traceparent);
      writer.text(trace.traceparent);
    }
    writer.varint(GET_KEYS_REQUEST.key);
    writer.text(key);
  }
  return writer.finish();
}

/**
 * Decodes a request for several keys.
 *
 * @param maxKeys The number of keys allowed. Decoding stops at the first one beyond.
 * @throws {RangeError} If `bytes` is not such a message, or has more keys.
 */
export function decodeGetKeysRequest(
  bytes: Uint8Array<ArrayBuffer>,
  maxKeys: number = Infinity,
): GetKeysRequest {
  const keys: string[] = [];
  const traces: KeyTrace[] = [];
  const reader = new Reader(bytes);
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    switch (tag) {
      case GET_KEYS_REQUEST.key:
        if (keys.length >= maxKeys) {
          throw new RangeError(
            `Cannot read keys: expected at most ${maxKeys} keys: received more`,
          );
        }
        keys.push(reader.string());
        break;
      case GET_KEYS_REQUEST.traceparent:
        addTrace(traces, { from: keys.length, traceparent: reader.string() });
        break;
      default:
        reader.skip(tag);
    }
  }
  return { keys, traces };
}
