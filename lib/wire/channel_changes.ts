import { type Reader, tagOf } from "./reader.ts";
import { bytesSize, maxTextSize, type Writer } from "./writer.ts";

// The changes in the messages of a channel. What accompanies a change is written as in a header.

const CHANGE = {
  id: tagOf(9, "varint"),
  group: tagOf(10, "bytes"),
  key: tagOf(11, "bytes"),
  note: tagOf(12, "bytes"),
  ttlMs: tagOf(13, "varint"),
  value: tagOf(14, "bytes"),
};

/** The maximum size of the numbers and tags of a change, in bytes. */
const NUMBERS_BYTES = 26;

/** A change of a key that a client sends. */
export interface ChangeMessage {
  readonly id: number;
  group: string;
  key: string;
  /** What accompanies it: see `encodeChangeNote`. */
  note: string;
  /** The value to store; undefined to remove the key. */
  value: Uint8Array<ArrayBuffer> | undefined;
  /** The remaining time to live of the value, in whole milliseconds; undefined: forever. */
  ttlMs: number | undefined;
}

/** Writes a change. */
export function writeChange(writer: Writer, change: ChangeMessage): void {
  const { id, group, key, note, ttlMs, value } = change;
  writer.reserve(
    maxTextSize(group) + maxTextSize(key) + maxTextSize(note) + NUMBERS_BYTES +
      (value === undefined ? 0 : bytesSize(value)),
  );
  writer.varint(CHANGE.id);
  writer.varint(id);
  writer.varint(CHANGE.group);
  writer.text(group);
  writer.varint(CHANGE.key);
  writer.text(key);
  writer.varint(CHANGE.note);
  writer.text(note);
  if (value === undefined) return;
  if (ttlMs !== undefined) {
    writer.varint(CHANGE.ttlMs);
    writer.varint(ttlMs);
  }
  writer.varint(CHANGE.value);
  writer.bytes(value);
}

/**
 * Reads a field if it belongs to a change. Returns whether it does.
 *
 * @param changes The changes so far, to which one may be added.
 * @throws {RangeError} If the bytes are malformed.
 */
export function readChange(reader: Reader, tag: number, changes: ChangeMessage[]): boolean {
  if (tag === CHANGE.id) {
    const id = reader.varint();
    changes.push({ id, group: "", key: "", note: "", value: undefined, ttlMs: undefined });
    return true;
  }
  const change = changes.at(-1);
  if (change === undefined) return false;
  switch (tag) {
    case CHANGE.group:
      change.group = reader.string();
      return true;
    case CHANGE.key:
      change.key = reader.string();
      return true;
    case CHANGE.note:
      change.note = reader.string();
      return true;
    case CHANGE.ttlMs:
      change.ttlMs = reader.varint();
      return true;
    case CHANGE.value:
      change.value = reader.bytes();
      return true;
  }
  return false;
}
