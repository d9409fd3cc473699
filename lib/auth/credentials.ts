import { parseReplyAuth } from "./auth_header.ts";
import { equalProofs } from "./equal_proofs.ts";
import type { KeyRing } from "./key_ring.ts";
import { changeFields, introductionFields, readFields, replyFields } from "./signed_fields.ts";
import { digestOf, type SigningKey } from "./signing_key.ts";

/** A request that does more than read. */
export interface ChangeToSign {
  readonly method: string;
  readonly path: string;
  /** The headers that say more about what is changed. */
  readonly note: string;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** The credentials of a request. */
export interface SignedRequest {
  /** The header. */
  readonly header: string;
  /** The challenge that it signs; undefined if none is known yet. */
  readonly challenge: string | undefined;
  /** The proof that the reply must contain; undefined if the request could not be signed. */
  readonly replyProof: string | undefined;
}

/**
 * The verdict on a reply: it comes from a peer that knows the secret; it may not; or it may not, but
 * contains a challenge with which to sign the request again.
 */
export type ReplyVerdict = "proved" | "unproved" | "challenged";

/** Authenticates this process to one peer, and the peer to this process. */
export class Credentials {
  #options: CredentialsOptions;
  /** The challenge of the peer; undefined until it is received. */
  #challenge: string | undefined;
  /** The credentials of all reads under this challenge. */
  #read: { readonly signed: SignedRequest; readonly key: SigningKey } | undefined;
  #signing: Promise<SignedRequest> | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** Returns the credentials of a read: synchronously, except for the first under a challenge. */
  forRead(): SignedRequest | Promise<SignedRequest> {
    const { keys } = this.#options;
    keys.refresh();
    const read = this.#read;
    if (read !== undefined && read.key === keys.current) return read.signed;
    return this.#signing ??= this.#signRead();
  }

  /** Returns the credentials of a request that does more than read. They are valid once. */
  async forChange({ method, path, note, body = "" }: ChangeToSign): Promise<SignedRequest> {
    const { keys, from, to, nextSequence } = this.#options;
    const key = await keys.ready();
    const challenge = this.#challenge;
    if (key === undefined || challenge === undefined) return await this.#introduce(key);
    const digest = await digestOf(body);
    const sequence = String(nextSequence());
    const fields = changeFields({ from, to, challenge }, { sequence, method, path, note, digest });
    const proof = await key.sign(fields);
    return {
      header: [key.id, from, challenge, sequence, digest, proof].join("."),
      challenge,
      replyProof: await key.sign(replyFields(proof)),
    };
  }

  /** Judges the header of a reply. */
  judge({ challenge, replyProof }: SignedRequest, header: string | null): ReplyVerdict {
    // As almost all replies are.
    if (header !== null && replyProof !== undefined && challenge === this.#challenge) {
      if (equalProofs(header, `${challenge}.${replyProof}`)) return "proved";
    }
    const reply = header === null ? undefined : parseReplyAuth(header);
    if (reply === undefined) return "unproved";
    // An impostor's challenge yields proofs that are valid for that challenge only.
    if (reply.challenge !== this.#challenge) {
      this.#challenge = reply.challenge;
      this.#read = undefined;
      this.#signing = undefined;
    }
    const isProved = replyProof !== undefined && reply.proof !== undefined &&
      equalProofs(reply.proof, replyProof);
    if (isProved) return "proved";
    return reply.challenge === challenge ? "unproved" : "challenged";
  }

  async #signRead(): Promise<SignedRequest> {
    const { keys, from, to } = this.#options;
    const key = await keys.ready();
    const challenge = this.#challenge;
    if (key === undefined || challenge === undefined) {
      this.#signing = undefined;
      return await this.#introduce(key);
    }
    const proof = await key.sign(readFields({ from, to, challenge }));
    const signed = {
      header: [key.id, from, challenge, proof].join("."),
      challenge,
      replyProof: await key.sign(replyFields(proof)),
    };
    // Unless another reply has brought a new one in the meantime.
    if (challenge === this.#challenge) {
      this.#read = { signed, key };
      this.#signing = undefined;
    }
    return signed;
  }

  /** Returns the credentials that request a challenge. */
  async #introduce(key: SigningKey | undefined): Promise<SignedRequest> {
    const { from, to, at } = this.#options;
    const here = at();
    const parts = [key?.id ?? "none", from];
    if (key !== undefined && here !== undefined) {
      parts.push(await key.sign(introductionFields({ from, to }, here)));
    }
    return { header: parts.join("."), challenge: undefined, replyProof: undefined };
  }
}

/** Options for {@linkcode Credentials}. */
export interface CredentialsOptions {
  keys: KeyRing;
  /** The instance id of this process. */
  from: string;
  /** The origin of the peer. */
  to: string;
  /** Returns the origin at which this process takes requests; undefined if it takes none. */
  at: () => string | undefined;
  /** Returns the next sequence number of this process's changes. */
  nextSequence: () => number;
}
