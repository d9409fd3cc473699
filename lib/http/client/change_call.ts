import type { EncodedValue, PeerCallOptions } from "../../peer/peer.ts";
import type { Waiter } from "../../timing/waiter.ts";
import { type ChangeNote, encodeChangeNote, isMark, isTime } from "../../wire/change_note.ts";
import type { ChannelAnswer } from "../../wire/channel_reply.ts";
import { MAX_CHARACTER_BYTES, PeerCall } from "./peer_call.ts";

/** What a peer says of a change that it was sent on a channel. */
export interface ChangeOutcome {
  /** 0 if the change was applied; otherwise the latest time that the peer knows. */
  readonly staleAt: number;
  /** A mark of the peer. */
  readonly mark: string | undefined;
}

/** What is changed, and how. */
export interface ChangeOfKey {
  readonly group: string;
  readonly key: string;
  /** The value to store; undefined to remove the key. */
  readonly value: EncodedValue | undefined;
  readonly note: ChangeNote;
}

/** What the numbers of a change take in a message at most, in bytes. */
const NUMBERS_BYTES = 40;

/**
 * A change on its way over a channel. It resolves to undefined if it has to be sent as a request: whatever
 * is unusual about it is dealt with there. A change may be sent more than once.
 */
export class ChangeCall extends PeerCall<ChangeOutcome | undefined> {
  readonly value: EncodedValue | undefined;
  /** What accompanies the change, encoded. */
  readonly note: string;

  constructor(
    { group, key, value, note }: ChangeOfKey,
    { signal }: PeerCallOptions,
    waiter: Waiter<ChangeOutcome | undefined>,
  ) {
    // No number of changes is too much: their requests wait, too.
    super(group, key, { signal, peek: true, together: true }, waiter);
    this.value = value;
    this.note = encodeChangeNote(note);
  }

  override get kind(): string {
    // No group has this name.
    return "/";
  }

  override get extraBytes(): number {
    const textUnits = this.group.length + this.note.length;
    return MAX_CHARACTER_BYTES * textUnits + (this.value?.view.size ?? 0) + NUMBERS_BYTES;
  }
}

/**
 * What an answer to a change says; undefined if the change has to be sent as a request.
 *
 * @param mark That of the message with the answer.
 */
export function outcomeOf(
  { staleAt }: ChannelAnswer,
  mark: string | undefined,
): ChangeOutcome | undefined {
  if (!isTime(staleAt)) return undefined;
  return { staleAt, mark: isMark(mark) ? mark : undefined };
}
