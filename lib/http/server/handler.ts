import { AUTH } from "../../auth/auth_header.ts";
import { GroupCacheError, quote } from "../../errors.ts";
import { CHANGE, FROM, PROTOCOL_VERSION, VERSION } from "../headers.ts";
import type { PeerLimits } from "../peer_limits.ts";
import { CHANNEL_PATH, onlyReads, parseTarget, pathOf } from "../paths.ts";
import { ByteBudget } from "./byte_budget.ts";
import { openChannel } from "./channel.ts";
import { deleteKey } from "./delete.ts";
import type { Admission, Decision, Door } from "./door.ts";
import type { Call, Endpoint, EndpointHost, GroupCall, RemovalCall } from "./endpoint.ts";
import { getKey } from "./get.ts";
import { getKeys } from "./get_keys.ts";
import { acceptHandoff } from "./handoff.ts";
import { answerHello } from "./hello.ts";
import { putKey } from "./put.ts";
import { removeKeys } from "./remove_keys.ts";
import { answerReport } from "./report.ts";
import { errorReply } from "./replies.ts";
import { Pace } from "./pace.ts";
import { parse } from "./request_body.ts";
import { SmallBodies } from "./small_bodies.ts";

/** Small bodies may take so much less at a time: Deno takes four times their size for them. */
const SMALL_SHARE = 4;

/** `POST <base><name>`. */
const BASE_ENDPOINTS = new Map<string, Endpoint<Call>>([
  ["", answerHello],
  [CHANNEL_PATH, openChannel],
  ["_stats/", answerReport],
]);

/** `<method> <base><group>/<key>`. */
const KEY_ENDPOINTS = new Map<string, Endpoint<GroupCall>>([
  ["GET", getKey],
  ["PUT", putKey],
]);

/** `POST <base><group>/<name>`. */
const GROUP_ENDPOINTS = new Map<string, Endpoint<GroupCall>>([
  ["_get-keys/", getKeys],
  ["_handoff-keys/", acceptHandoff],
]);

/** As both above, but also for unknown groups: this process holds none of their keys, but peers may. */
const REMOVAL_ENDPOINTS = new Map<string, Endpoint<RemovalCall>>([
  ["DELETE", deleteKey],
  ["POST _remove-keys/", removeKeys],
]);

/** Answers the requests of peers: finds the endpoint, and the group that it is about. */
export class PeerHandler {
  #options: PeerHandlerOptions;
  #host: EndpointHost;

  constructor(options: PeerHandlerOptions) {
    this.#options = options;
    const { limits: { maxValueBytes, maxReceivedBytes, maxSentBytes }, clock, door } = options;
    this.#host = {
      ...options,
      maxValueBytes,
      received: new ByteBudget(maxReceivedBytes, clock),
      small: new SmallBodies(maxReceivedBytes / SMALL_SHARE, clock),
      sent: new ByteBudget(maxSentBytes, clock),
      pace: new Pace(clock),
      channels: new Set(),
      authenticates: door.authenticates,
    };
  }

  /** Ends the channels: servers that shut down wait for them. */
  close(): void {
    for (const channel of this.#host.channels) channel.goAway();
    this.#host.small.close();
  }

  /**
   * The reply to a request, or undefined if it does not come from a peer.
   *
   * @param info The second argument of the server's fetch function.
   */
  handle(request: Request, info: unknown): Response | Promise<Response> | undefined {
    // Read once: the requests of a server compute it each time.
    const path = pathOf(request.url);
    if (!path.startsWith(this.#options.basePath)) return undefined;
    const { method } = request;
    const isRead = onlyReads(method, path);
    const note = isRead ? "" : request.headers.get(CHANGE) ?? "";
    const decision = this.#options.door.admit(request, info, { isRead, method, path, note });
    return decision instanceof Promise
      ? decision.then((decision) => this.#enter(decision, path, request, info))
      : this.#enter(decision, path, request, info);
  }

  #enter(
    decision: Decision,
    path: string,
    request: Request,
    info: unknown,
  ): Response | Promise<Response> {
    if (decision instanceof Response) return decision;
    const call: Call = { request, info, host: this.#host, admission: decision };
    try {
      const reply = this.#answer(path, call);
      return reply instanceof Promise
        ? reply.catch(errorReply).then((reply) => this.#seal(reply, decision))
        : this.#seal(reply, decision);
    } catch (error) {
      return this.#seal(errorReply(error), decision);
    }
  }

  /**
   * Adds which process replies, and what proves that to the sender. No cache on the way may keep a reply.
   */
  #seal(reply: Response, { replyAuth }: Admission): Response {
    reply.headers.set("cache-control", "no-store");
    reply.headers.set(FROM, this.#options.instanceId);
    if (replyAuth !== undefined) reply.headers.set(AUTH, replyAuth);
    return reply;
  }

  #answer(path: string, call: Call): Response | Promise<Response> {
    const { basePath, plusIsSpace } = this.#options;
    const { method } = call.request;
    const isPost = method === "POST";
    const baseEndpoint = isPost ? BASE_ENDPOINTS.get(path.slice(basePath.length)) : undefined;
    if (baseEndpoint !== undefined) return baseEndpoint(call);
    const target = parse(() => parseTarget(path, basePath, plusIsSpace));
    const { group: name, key, rawKey } = target;
    const group = this.#options.group(name);
    // A slash in a key is escaped, so no key has the name of an endpoint.
    const removal = REMOVAL_ENDPOINTS.get(isPost ? `POST ${rawKey}` : method);
    if (removal !== undefined) return removal({ ...call, name, key });
    if (group === undefined) {
      throw new GroupCacheError("peer-failed", `Cannot find group ${quote(name)}`);
    }
    const endpoint = isPost ? GROUP_ENDPOINTS.get(rawKey) : KEY_ENDPOINTS.get(method);
    return endpoint?.({ ...call, group, name, key }) ?? methodNotAllowed();
  }
}

/** Options for {@linkcode PeerHandler}. */
export interface PeerHandlerOptions extends
  Omit<
    EndpointHost,
    "maxValueBytes" | "received" | "small" | "sent" | "pace" | "channels" | "authenticates"
  > {
  limits: PeerLimits;
  /** Identifies this run of the process. */
  instanceId: string;
  /** The path under which peers serve, with a slash at both ends. */
  basePath: string;
  /** Whether a `+` in a path is a space. */
  plusIsSpace: boolean;
  /** Decides which requests to admit. */
  door: Door;
}

function methodNotAllowed(): Response {
  const headers = { allow: "GET, PUT, DELETE, POST", [VERSION]: PROTOCOL_VERSION };
  return new Response("Cannot serve this method at this path", { status: 405, headers });
}
