/**
 * The header with which processes prove their identity, in both directions:
 *
 * | on                 | value                                                |
 * | ------------------ | ---------------------------------------------------- |
 * | requests           | `key.from`, to request a challenge                   |
 * |                    | `key.from.introduction`, likewise                    |
 * | requests that read | `key.from.challenge.proof`                           |
 * | other requests     | `key.from.challenge.sequence.digest.proof`           |
 * | replies            | `challenge.proof`, or `challenge` without a proof    |
 */
export const AUTH = "groupcache-auth";

/** The longest valid header, in characters. */
const MAX_LENGTH = 512;

/** The parsed header of a request. */
export interface RequestAuth {
  /** The id of the key that signed it. */
  readonly keyId: string;
  /** The instance id of the sender. */
  readonly from: string;
  readonly challenge: string | undefined;
  /** Proves where the sender takes requests, if it does and has no challenge yet. */
  readonly introduction: string | undefined;
  /** The sequence number and the body's digest, if the request does more than read. */
  readonly change: { readonly sequence: string; readonly digest: string } | undefined;
  readonly proof: string | undefined;
}

/** The parsed header of a reply. */
export interface ReplyAuth {
  readonly challenge: string;
  readonly proof: string | undefined;
}

/** Parses the header of a request. Returns undefined if it is invalid. */
export function parseRequestAuth(header: string): RequestAuth | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const parts = header.split(".");
  if (parts.some((part) => part === "")) return undefined;
  const [keyId = "", from = "", challenge] = parts;
  const auth = { keyId, from, challenge, introduction: undefined, change: undefined };
  switch (parts.length) {
    case 2:
      return { ...auth, proof: undefined };
    case 3:
      return { ...auth, challenge: undefined, introduction: parts[2], proof: undefined };
    case 4:
      return { ...auth, proof: parts[3] };
    case 6: {
      const [sequence = "", digest = ""] = parts.slice(3);
      return { ...auth, change: { sequence, digest }, proof: parts[5] };
    }
  }
  return undefined;
}

/** Parses the header of a reply. Returns undefined if it is invalid. */
export function parseReplyAuth(header: string): ReplyAuth | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const [challenge = "", proof, ...rest] = header.split(".");
  return challenge === "" || rest.length > 0 ? undefined : { challenge, proof };
}
