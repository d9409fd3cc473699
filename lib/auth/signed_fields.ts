import type { SignedFields } from "./signing_key.ts";

/** The two ends of a request. */
export interface Parties {
  /** The instance id of the sender. */
  readonly from: string;
  /** The origin of the receiver, as in the list of peers. */
  readonly to: string;
  /** The challenge of the receiver. */
  readonly challenge: string;
}

/** The effect of a request that does more than read. */
export interface Change {
  readonly sequence: string;
  readonly method: string;
  readonly path: string;
  /** The headers that say more about what is changed. */
  readonly note: string;
  readonly digest: string;
}

/**
 * The fields signed for a request without a challenge, by a process that takes requests itself.
 *
 * @param at The origin of the sender.
 */
export function introductionFields(
  { from, to }: Omit<Parties, "challenge">,
  at: string,
): SignedFields {
  return ["introduction", from, to, at];
}

/** The fields signed for a read: the same for all reads of a sender under one challenge. */
export function readFields({ from, to, challenge }: Parties): SignedFields {
  return ["read", from, to, challenge];
}

/** The fields signed for a request that does more than read. */
export function changeFields({ from, to, challenge }: Parties, change: Change): SignedFields {
  const { sequence, method, path, note, digest } = change;
  return ["change", from, to, challenge, sequence, method, path, note, digest];
}

/** The fields signed for the reply to a request with a proof. */
export function replyFields(requestProof: string): SignedFields {
  return ["reply", requestProof];
}
