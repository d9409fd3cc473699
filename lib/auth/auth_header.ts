/**
 * The header by which processes prove themselves, both ways:
 *
 * | on                 | value                                                |
 * | ------------------ | ---------------------------------------------------- |
 * | requests           | `key.from`, to be told a challenge                   |
 * | requests that read | `key.from.challenge.proof`                           |
 * | other requests     | `key.from.challenge.sequence.digest.proof`           |
 * | replies            | `challenge.proof`, or `challenge` if nothing is proved |
 */
export const AUTH = "groupcache-auth";

/** Longer values are none of ours. */
const MAX_LENGTH = 512;

/** What the header of a request says. */
export interface RequestAuth {
  /** The id of the key that it is signed with. */
  readonly keyId: string;
  /** The instance id of the sender. */
  readonly from: string;
  readonly challenge: string | undefined;
  /** The sequence number and the body's digest of a request that does more than read. */
  readonly change: { readonly sequence: string; readonly digest: string } | undefined;
  readonly proof: string | undefined;
}

/** What the header of a reply says. */
export interface ReplyAuth {
  readonly challenge: string;
  readonly proof: string | undefined;
}

/** Undefined if the header is none of ours. */
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

/** Undefined if the header is none of ours. */
export function parseReplyAuth(header: string): ReplyAuth | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const [challenge = "", proof, ...rest] = header.split(".");
  return challenge === "" || rest.length > 0 ? undefined : { challenge, proof };
}
