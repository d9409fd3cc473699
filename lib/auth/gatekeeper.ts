import type { Clock } from "../timing/clock.ts";
import { parseRequestAuth, type RequestAuth } from "./auth_header.ts";
import { Challenges } from "./challenges.ts";
import { equalProofs } from "./equal_proofs.ts";
import type { KeyRing } from "./key_ring.ts";
import { ReplayWindow } from "./replay_window.ts";
import { changeFields, introductionFields, readFields, replyFields } from "./signed_fields.ts";
import type { SigningKey } from "./signing_key.ts";

/** Why a proof was not accepted: see `UnauthorizedReason`. */
export type RefusalReason = "no-proof" | "unknown-secret" | "bad-proof" | "replayed";

/** The verdict on a request's proof. */
export type Verdict =
  | {
    readonly isProved: true;
    /** The header of the reply. */
    readonly replyAuth: string;
    /** The digest that the body must have, if the request does more than read. */
    readonly digest: string | undefined;
  }
  | {
    readonly isProved: false;
    /** The header of the reply, for a sender that should sign the request anew. */
    readonly replyAuth: string | undefined;
    /** Undefined if the sender merely lacks the challenge. */
    readonly reason: RefusalReason | undefined;
  };

/** What a proof must be valid for. */
export interface ToProve {
  /** Whether the request only reads. */
  readonly isRead: boolean;
  readonly method: string;
  readonly path: string;
  /** The headers that say more about what is changed. */
  readonly note: string;
}

/** How many senders are remembered per challenge. The proofs of others are computed each time. */
const MAX_SENDERS = 10_000;

/** The senders that have proved their identity under one challenge. */
interface Senders {
  /** By the header of a read without its proof. */
  readonly reads: Map<string, Reader>;
  /** By instance id. */
  readonly replays: Map<string, ReplayWindow>;
}

interface Reader {
  readonly proof: string;
  readonly challenge: string;
  /** The proof of the reply. */
  readonly replyProof: string;
}

/**
 * Verifies the proofs of requests. Only a sender's first read is computed: the others are looked up in a
 * map.
 */
export class Gatekeeper {
  #options: GatekeeperOptions;
  #challenges: Challenges<Senders>;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    this.#challenges = new Challenges(options.clock, () => ({
      reads: new Map(),
      replays: new Map(),
    }));
  }

  /** Verifies the header of a request: synchronously, if the sender has read before. */
  judge(header: string | null, request: ToProve): Verdict | Promise<Verdict> {
    if (header === null) return refused("no-proof");
    if (request.isRead) {
      const verdict = this.#recognize(header);
      if (verdict !== undefined) return verdict;
    }
    const auth = parseRequestAuth(header);
    return auth === undefined ? refused("bad-proof") : this.#judge(auth, header, request);
  }

  #recognize(header: string): Verdict | undefined {
    const end = header.lastIndexOf(".");
    const challenge = header.slice(header.lastIndexOf(".", end - 1) + 1, end);
    const reader = this.#challenges.stateOf(challenge)?.reads.get(header.slice(0, end));
    if (reader === undefined || !equalProofs(header.slice(end + 1), reader.proof)) return undefined;
    return this.#proved(reader.replyProof, undefined);
  }

  async #judge(auth: RequestAuth, header: string, request: ToProve): Promise<Verdict> {
    const { keyId, from, challenge, introduction, change, proof } = auth;
    const key = await this.#options.keys.find(keyId);
    if (key === undefined) return refused("unknown-secret");
    if (introduction !== undefined) await this.#meet(key, from, introduction);
    if (challenge === undefined || proof === undefined) return this.#challenge();
    if (request.isRead !== (change === undefined)) return refused("bad-proof");
    const parties = { from, to: this.#options.origin, challenge };
    const fields = change === undefined
      ? readFields(parties)
      : changeFields(parties, { ...request, ...change });
    if (!equalProofs(proof, await key.sign(fields))) return refused("bad-proof");
    const senders = this.#challenges.stateOf(challenge);
    // Signed by a peer for this process, but too long ago or before a restart.
    if (senders === undefined) return this.#challenge();
    const replyProof = await key.sign(replyFields(proof));
    if (change !== undefined) {
      // A proxy may have sent it twice: the reply to the first copy may be lost, so the sender asks again.
      if (!this.#passes(senders, from, change.sequence)) {
        return this.#challenge("replayed");
      }
    } else if (senders.reads.size < MAX_SENDERS) {
      senders.reads.set(header.slice(0, header.lastIndexOf(".")), { proof, challenge, replyProof });
    }
    return this.#proved(replyProof, change?.digest);
  }

  /**
   * Finds out whether an introduction is that of a new process at the address of a peer that has left. Its
   * sender may never receive the challenge, so that is the only request from it there will be.
   */
  async #meet(key: SigningKey, from: string, introduction: string): Promise<void> {
    const to = this.#options.origin;
    const newcomers = this.#options.newcomers();
    for (const url of newcomers.awaitedFrom(from)) {
      const fields = introductionFields({ from, to }, new URL(url).origin);
      if (equalProofs(introduction, await key.sign(fields))) newcomers.introduced(url, from);
    }
  }

  #passes({ replays }: Senders, from: string, sequence: string): boolean {
    let window = replays.get(from);
    if (window === undefined) {
      if (replays.size >= MAX_SENDERS) return false;
      window = new ReplayWindow();
      replays.set(from, window);
    }
    return window.pass(Number(sequence));
  }

  #proved(replyProof: string, digest: string | undefined): Verdict {
    const replyAuth = `${this.#challenges.current}.${replyProof}`;
    return { isProved: true, replyAuth, digest };
  }

  #challenge(reason?: RefusalReason): Verdict {
    return { isProved: false, replyAuth: this.#challenges.current, reason };
  }
}

/** Takes note of processes that start at the URLs of others. */
export interface Newcomers {
  /** Returns the URLs of the peers that have left, unless the process with an instance id was there. */
  awaitedFrom(instance: string): Iterable<string>;
  /** Records that a process has proved that it is at a peer's URL. It may have done so long ago. */
  introduced(url: string, instance: string): void;
}

/** Options for {@linkcode Gatekeeper}. */
export interface GatekeeperOptions {
  keys: KeyRing;
  clock: Clock;
  /** The origin of this process. */
  origin: string;
  /** Who takes note of processes that start where peers have left. */
  newcomers: () => Newcomers;
}

function refused(reason: RefusalReason): Verdict {
  return { isProved: false, replyAuth: undefined, reason };
}
