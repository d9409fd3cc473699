import { checkKeySize } from "../../key.ts";
import { decodeChangeNote } from "../../wire/change_note.ts";
import type { ChangeMessage } from "../../wire/channel_changes.ts";
import { writeLarge, writeMark, writeOutcome } from "../../wire/channel_reply.ts";
import { fromExpiry } from "../../wire/expiry.ts";
import type { ChannelOutput } from "./channel_output.ts";
import type { Call } from "./endpoint.ts";
import { storeValue } from "./put.ts";

/**
 * Whether a channel takes changes. With `auth` its sender has proved itself, by a proof that is valid once:
 * nobody who has seen it can open another channel.
 */
export function takesChanges({ admission, host }: Call): boolean {
  return admission.isProved || !host.authenticates;
}

/** Applies the changes of a message, and writes the outcomes. */
export function applyChanges(
  changes: readonly ChangeMessage[],
  call: Call,
  receivedAtMs: number,
  output: ChannelOutput,
): void {
  const takes = takesChanges(call);
  for (const change of changes) {
    const staleAt = takes ? applyChange(change, call, receivedAtMs) : undefined;
    if (staleAt === undefined) writeLarge(output.start(), change.id);
    else writeOutcome(output.start(), change.id, staleAt);
  }
  if (takes) writeMark(output.start(), call.host.changes.mark);
}

/**
 * Applies a change that came on a channel. Returns 0; the latest time that this process knows, if a change
 * of the key may be later; or undefined if the change has to be sent as a request, which tells why.
 *
 * @param receivedAtMs When it arrived: what the rest takes is part of what the value has left.
 */
function applyChange(
  { group: name, key, note: text, value, ttlMs }: ChangeMessage,
  { admission, host }: Call,
  receivedAtMs: number,
): number | undefined {
  const { changes, clock, maxValueBytes } = host;
  try {
    checkKeySize(key); // Decoded text is well-formed.
    const note = decodeChangeNote(text);
    if (note.mark === undefined) return undefined;
    const group = host.group(name);
    const { time, origin } = note.stamp;
    const confirmed = admission.isProved ? undefined : host.confirmTime(time, origin);
    if (confirmed !== undefined) {
      confirmed.catch(() => {});
      return undefined;
    }
    if (value === undefined) {
      changes.receive(name, key, note);
      return 0;
    }
    if (group === undefined || value.byteLength > maxValueBytes) return undefined;
    const expiresAtMs = fromExpiry({ ttlMs }, clock, receivedAtMs);
    const isStored = storeValue({ group, name, host }, key, note, { value, expiresAtMs });
    return isStored ? 0 : changes.time;
  } catch {
    return undefined;
  }
}
