/**
 * The header with which processes prove their identity, in both directions:
 *
 * | on                 | value                                                |
 * | ------------------ | ---------------------------------------------------- |
 * | requests           | `key.from`, to request a challenge                   |
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
  switch (parts.length) {
    case 2:
      return { keyId, from, challenge, change: undefined, proof: undefined };
    case 4:
      return { keyId, from, challenge, change: undefined, proof: parts[3] };
    case 6: {
      const [sequence = "", digest = ""] = parts.slice(3);
      return { keyId, from, challenge, change: { sequence, digest }, proof: parts[5] };
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
