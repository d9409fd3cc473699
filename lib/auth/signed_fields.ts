import type { SignedFields } from "./signing_key.ts";

/** Who talks to whom. */
export interface Parties {
  /** The instance id of the sender. */
  readonly from: string;
  /** The origin of the receiver, as in the list of peers. */
  readonly to: string;
  /** What the receiver wants to see signed. */
  readonly challenge: string;
}

/** What a request does beyond reading. */
export interface Change {
  readonly sequence: string;
  readonly method: string;
  readonly path: string;
  readonly digest: string;
}

/** What is signed to read: once for all requests of a sender to a receiver under one challenge. */
export function readFields({ from, to, challenge }: Parties): SignedFields {
  return ["read", from, to, challenge];
}

/** What is signed with each request that does more than read. */
export function changeFields({ from, to, challenge }: Parties, change: Change): SignedFields {
  const { sequence, method, path, digest } = change;
  return ["change", from, to, challenge, sequence, method, path, digest];
}

/** What is signed in reply to a request with a proof. */
export function replyFields(requestProof: string): SignedFields {
  return ["reply", requestProof];
}
