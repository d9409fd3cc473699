import { parseReplyAuth } from "./auth_header.ts";
import { equalProofs } from "./equal_proofs.ts";
import type { KeyRing } from "./key_ring.ts";
import { changeFields, readFields, replyFields } from "./signed_fields.ts";
import { digestOf, type SigningKey } from "./signing_key.ts";

/** Options for {@linkcode Credentials}. */
export interface CredentialsOptions {
  keys: KeyRing;
  /** The instance id of this process. */
  from: string;
  /** The origin of the peer. */
  to: string;
  /** The next number of this process's changes. */
  nextSequence: () => number;
}

/** A request that does more than read. */
export interface ChangeToSign {
  readonly method: string;
  readonly path: string;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** What goes with a request. */
export interface SignedRequest {
  /** The header. */
  readonly header: string;
  /** The challenge that it answers; undefined if none is known yet. */
  readonly challenge: string | undefined;
  /** The proof that the reply must bring; undefined if the request could not be signed. */
  readonly replyProof: string | undefined;
}

/**
 * What a reply shows: that it comes from one who knows the secret; that it may not; or that it may
 * not, but brings a challenge by which to sign the request anew.
 */
export type ReplyVerdict = "proved" | "unproved" | "challenged";

/** By what this process proves itself to one peer, and the peer to it. */
export class Credentials {
  #options: CredentialsOptions;
  /** What the peer wants to see signed; undefined until it has said so. */
  #challenge: string | undefined;
  /** What goes with all reads under this challenge. */
  #read: { readonly signed: SignedRequest; readonly key: SigningKey } | undefined;
  #signing: Promise<SignedRequest> | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** What goes with a read; at once, but for the first under a challenge. */
  forRead(): SignedRequest | Promise<SignedRequest> {
    const { keys } = this.#options;
    keys.refresh();
    const read = this.#read;
    if (read !== undefined && read.key === keys.current) return read.signed;
    return this.#signing ??= this.#signRead();
  }

  /** What goes with a request that does more than read. It must not be sent twice. */
  async forChange({ method, path, body = "" }: ChangeToSign): Promise<SignedRequest> {
    const { keys, from, to, nextSequence } = this.#options;
    const key = await keys.ready();
    const challenge = this.#challenge;
    if (key === undefined || challenge === undefined) return this.#unsigned(key);
    const digest = await digestOf(body);
    const sequence = String(nextSequence());
    const fields = changeFields({ from, to, challenge }, { sequence, method, path, digest });
    const proof = await key.sign(fields);
    return {
      header: [key.id, from, challenge, sequence, digest, proof].join("."),
      challenge,
      replyProof: await key.sign(replyFields(proof)),
    };
  }

  /** Judges the header of a reply. */
  judge({ challenge, replyProof }: SignedRequest, header: string | null): ReplyVerdict {
    const reply = header === null ? undefined : parseReplyAuth(header);
    if (reply === undefined) return "unproved";
    // What a stranger may learn by its challenge is good for nothing but that challenge.
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
      return this.#unsigned(key);
    }
    const proof = await key.sign(readFields({ from, to, challenge }));
    const signed = {
      header: [key.id, from, challenge, proof].join("."),
      challenge,
      replyProof: await key.sign(replyFields(proof)),
    };
    // Unless another reply has brought another one meanwhile.
    if (challenge === this.#challenge) {
      this.#read = { signed, key };
      this.#signing = undefined;
    }
    return signed;
  }

  /** Asks to be told the challenge. */
  #unsigned(key: SigningKey | undefined): SignedRequest {
    const header = `${key?.id ?? "none"}.${this.#options.from}`;
    return { header, challenge: undefined, replyProof: undefined };
  }
}
