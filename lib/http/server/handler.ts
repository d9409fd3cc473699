import { GroupCacheError, quote } from "../../errors.ts";
import { PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { parseTarget, pathOf } from "../paths.ts";
import { deleteKey } from "./delete.ts";
import type { Call, Endpoint, EndpointHost, GroupCall, RemovalCall } from "./endpoint.ts";
import { getKey } from "./get.ts";
import { getKeys } from "./get_keys.ts";
import { acceptHandoff } from "./handoff.ts";
import { answerHello } from "./hello.ts";
import { putKey } from "./put.ts";
import { removeKeys } from "./remove_keys.ts";
import { answerReport } from "./report.ts";
import { errorReply } from "./replies.ts";
import { parse } from "./request_body.ts";

/** `POST <base><name>`. */
const BASE_ENDPOINTS = new Map<string, Endpoint<Call>>([
  ["", answerHello],
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

/** As both above. A process without the group holds nothing of it, but others may: it passes that on. */
const REMOVAL_ENDPOINTS = new Map<string, Endpoint<RemovalCall>>([
  ["DELETE", deleteKey],
  ["POST _remove-keys/", removeKeys],
]);

/** Answers the requests of peers: finds the endpoint, and the group that it is about. */
export class PeerHandler {
  #options: PeerHandlerOptions;

  constructor(options: PeerHandlerOptions) {
    this.#options = options;
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
    try {
      const reply = this.#answer(path, { request, info, host: this.#options });
      return reply instanceof Promise ? reply.catch(errorReply) : reply;
    } catch (error) {
      return errorReply(error);
    }
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
export interface PeerHandlerOptions extends EndpointHost {
  /** The path under which peers serve, with a slash at both ends. */
  basePath: string;
  /** Whether a `+` in a path is a space. */
  plusIsSpace: boolean;
}

function methodNotAllowed(): Response {
  const headers = { allow: "GET, PUT, DELETE, POST", [VERSION]: PROTOCOL_VERSION };
  return new Response("Cannot serve this method at this path", { status: 405, headers });
}
