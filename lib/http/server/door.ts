import type { Auth } from "../../auth/auth.ts";
import { AUTH } from "../../auth/auth_header.ts";
import type { ToProve, Verdict } from "../../auth/gatekeeper.ts";
import type { Refusals } from "../../auth/refusals.ts";
import type { UnauthorizedReason } from "../../events.ts";
import type { Authorize } from "../../auth/authorize.ts";

/** The admission of a request. */
export interface Admission {
  /** Whether it certainly comes from a peer. Others do not get the messages of a loader. */
  readonly isProved: boolean;
  /** The digest that the body must have, if the proof covers it. */
  readonly digest: string | undefined;
  /** The header of the reply that authenticates this process. */
  readonly replyAuth: string | undefined;
}

/** Whether to admit a request or send a reply instead. */
export type Decision = Admission | Response;

const ANYBODY: Admission = { isProved: false, digest: undefined, replyAuth: undefined };
const AUTHORIZED: Admission = { ...ANYBODY, isProved: true };

/**
 * Characters that end the host in a URL. Deno builds `request.url` from the host header, so a request for
 * an open path could be taken for one to a path that a proxy in front protects.
 */
const ENDS_HOST = /[/?#@\\]/;

/**
 * Decides whether to admit a request, before anything else is processed. Rejected clients learn nothing
 * more.
 */
export class Door {
  #options: DoorOptions;
  #hosts: ReadonlySet<string> | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#hosts = options.hosts && new Set(options.hosts.map((host) => host.toLowerCase()));
  }

  /** Whether peers prove who they are, and sign what they change. */
  get authenticates(): boolean {
    return this.#options.auth !== undefined;
  }

  /**
   * Decides about a request: synchronously for reads of a known sender.
   *
   * @param info The second argument of the server's fetch function.
   */
  admit(request: Request, info: unknown, toProve: ToProve): Decision | Promise<Decision> {
    const { auth, authorize, hosts } = this.#options;
    if (auth?.isRequired && authorize === undefined && hosts === undefined) {
      // Neither a browser nor a proxy that was tricked has a proof.
      return this.#authenticate(auth, request, toProve);
    }
    if (!this.#isHost(request) || isFromWebPage(request)) {
      return new Response("", { status: 400 });
    }
    if (authorize !== undefined) return this.#authorize(authorize, request, info, toProve);
    return auth === undefined ? ANYBODY : this.#authenticate(auth, request, toProve);
  }

  async #authorize(
    authorize: Authorize,
    request: Request,
    info: unknown,
    toProve: ToProve,
  ): Promise<Decision> {
    const { auth } = this.#options;
    let error: unknown;
    try {
      if (await authorize(request, info) === true) {
        return auth === undefined ? AUTHORIZED : await this.#authenticate(auth, request, toProve);
      }
    } catch (thrown) {
      error = thrown;
    }
    return this.#refuse("not-authorized", error);
  }

  #authenticate(auth: Auth, request: Request, toProve: ToProve): Decision | Promise<Decision> {
    const verdict = auth.gatekeeper.judge(request.headers.get(AUTH), toProve);
    return verdict instanceof Promise
      ? verdict.then((verdict) => this.#decide(auth, verdict))
      : this.#decide(auth, verdict);
  }

  #decide(auth: Auth, verdict: Verdict): Decision {
    if (verdict.isProved) return verdict;
    const { reason, replyAuth } = verdict;
    if (!auth.isRequired) {
      if (reason !== undefined) this.#options.refusals.add({ reason, isRefused: false });
      return { ...ANYBODY, replyAuth };
    }
    if (reason !== undefined) this.#options.refusals.add({ reason, isRefused: true });
    const headers: Record<string, string> = replyAuth === undefined ? {} : { [AUTH]: replyAuth };
    return new Response("", { status: 401, headers });
  }

  #refuse(reason: UnauthorizedReason, error?: unknown): Response {
    this.#options.refusals.add({ reason, isRefused: true, error });
    return new Response("", { status: 401 });
  }

  #isHost(request: Request): boolean {
    const host = request.headers.get("host");
    if (host !== null && ENDS_HOST.test(host)) return false;
    if (this.#hosts === undefined) return true;
    return this.#hosts.has((host ?? new URL(request.url).host).toLowerCase());
  }
}

/** Options for {@linkcode Door}. */
export interface DoorOptions {
  auth: Auth | undefined;
  authorize: Authorize | undefined;
  /** The hosts under which this process may be asked; undefined for all. */
  hosts: readonly string[] | undefined;
  refusals: Refusals;
}

/**
 * Whether a web page may have made a browser send a request. Peers send no origin, and their bodies have
 * types that a page cannot send without a preflight request.
 */
function isFromWebPage({ headers, method }: Request): boolean {
  if (method === "GET") return false;
  if (headers.has("origin")) return true;
  const type = method === "POST" ? headers.get("content-type") : null;
  return type !== null &&
    /^\s*(text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type);
}
