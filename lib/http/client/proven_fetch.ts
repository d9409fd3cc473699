import { AUTH } from "../../auth/auth_header.ts";
import type { Credentials, SignedRequest } from "../../auth/credentials.ts";
import type { Refusals } from "../../auth/refusals.ts";
import type { UnauthorizedReason } from "../../events.ts";
import type { Fetch } from "../../runtime.ts";
import { CHANGE } from "../headers.ts";
import { onlyReads } from "../paths.ts";
import { peerFailure } from "./failures.ts";

/** A peer may have a new challenge, and after that a proxy may send what is signed anew twice, too. */
const MAX_SENDS = 4;

/** A request to send. */
export interface ProvenRequest extends RequestInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  /** A stream is that of a channel. What it will carry cannot be signed, but the proof is valid once. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Says that a peer has a new challenge, where the request cannot be repeated because its body is gone. */
export class StaleChallenge extends Error {
  override readonly name = "StaleChallenge";
}

/** Sends authenticated requests to a peer, and verifies the proofs of its replies. */
export class ProvenFetch {
  #url: string;
  #options: ProvenFetchOptions;

  /** @param url The peer's base URL. */
  constructor(url: string, options: ProvenFetchOptions) {
    this.#url = url;
    this.#options = options;
  }

  /**
   * Sends a request. Sends it again, at most `MAX_SENDS` times in all, if the peer has a new challenge, for
   * example after a restart, or if the peer has received it already, because a proxy sent it twice.
   *
   * @throws {GroupCacheError} With code `peer-failed` if the peer rejects it or proves nothing.
   * @throws {StaleChallenge} If it has to be sent again, but its body is a stream.
   */
  send(path: string, request: ProvenRequest): Promise<Response> {
    const signed = this.#sign(path, request);
    // Without a promise more than needed: a read is signed already.
    return signed instanceof Promise
      ? signed.then((signed) => this.#exchange(path, request, signed))
      : this.#exchange(path, request, signed);
  }

  #exchange(path: string, request: ProvenRequest, signed: SignedRequest): Promise<Response> {
    const { fetch, credentials } = this.#options;
    request.headers[AUTH] = signed.header;
    return fetch(this.#url + path, request).then((response) =>
      credentials.judge(signed, response.headers.get(AUTH)) === "proved"
        ? response
        : this.#sendAgain(path, request, signed, response)
    );
  }

  /** Sends a request anew if that helps. Otherwise returns the reply, if it may be without a proof. */
  async #sendAgain(
    path: string,
    request: ProvenRequest,
    first: SignedRequest,
    response: Response,
  ): Promise<Response> {
    const { fetch, credentials, isRequired } = this.#options;
    let signed = first;
    for (let sends = 1;; sends++) {
      const header = response.headers.get(AUTH);
      const verdict = credentials.judge(signed, header);
      const isRefused = response.status === 401;
      if (verdict === "proved" || !isRequired && !isRefused) return response;
      response.body?.cancel().catch(() => {});
      // Refused with the challenge that was signed: the peer has had this very request before.
      const mustSignAnew = verdict === "challenged" || isRefused && header === signed.challenge;
      if (!mustSignAnew || sends === MAX_SENDS) {
        throw isRefused
          ? this.#failure("refused", "it refused to be asked by this process")
          : this.#failure("no-proof", "it did not prove that it belongs to the cluster");
      }
      if (request.body instanceof ReadableStream) {
        throw new StaleChallenge("it has a new challenge");
      }
      signed = await this.#sign(path, request);
      request.headers[AUTH] = signed.header;
      response = await fetch(this.#url + path, request);
    }
  }

  #sign(path: string, request: ProvenRequest): SignedRequest | Promise<SignedRequest> {
    const { credentials } = this.#options;
    const { method, headers, body } = request;
    if (onlyReads(method, path)) return credentials.forRead();
    const signed = body instanceof ReadableStream ? undefined : body;
    return credentials.forChange({ method, path, note: headers[CHANGE] ?? "", body: signed });
  }

  #failure(reason: UnauthorizedReason, why: string): Error {
    this.#options.refusals.add({ reason, peer: this.#url, isRefused: true });
    return peerFailure(this.#url, why);
  }
}

/** Options for {@linkcode ProvenFetch}. */
export interface ProvenFetchOptions {
  fetch: Fetch;
  credentials: Credentials;
  /** Whether replies without a proof are rejected. */
  isRequired: boolean;
  refusals: Refusals;
}
