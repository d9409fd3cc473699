import type { Clock } from "../../timing/clock.ts";
import { GroupCacheError } from "../../errors.ts";
import type { Peer, PeerBackend } from "../../peer/peer.ts";
import type { Hello } from "../../wire/hello.ts";
import { answerDelete, answerPut, answerRemoveKeys } from "./writes.ts";
import { answerGet } from "./get.ts";
import { answerGetKeys } from "./get_keys.ts";
import { answerHello } from "./hello.ts";
import { answerHandoff } from "./handoff.ts";
import { PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { parse } from "./parse.ts";
import { parseTarget, pathOf } from "../paths.ts";
import { errorReply } from "./replies.ts";

/** How a {@linkcode PeerHandler} is made. */
export interface PeerHandlerOptions {
  clock: Clock;
  /** The path under which peers serve, with a slash at both ends. */
  basePath: string;
  /** Whether a `+` in a path is a space. */
  plusIsSpace: boolean;
  /** Bytes of one value that may travel. */
  maxValueBytes: number;
  /** The group of a name, if there is one. */
  group: (name: string) => PeerBackend | undefined;
  /** The peer of a URL, if there is one. */
  peer: (url: string) => Peer | undefined;
  /** Answers a hello. */
  greet: (hello: Hello) => Hello;
}

/** Answers the requests of peers. */
export class PeerHandler {
  #options: PeerHandlerOptions;

  constructor(options: PeerHandlerOptions) {
    this.#options = options;
  }

  /**
   * The reply to a request, or undefined if it is not one of a peer.
   *
   * @param info The second argument of the server's fetch function.
   */
  handle(request: Request, info: unknown): Response | Promise<Response> | undefined {
    // Read once: in a server's request it is made each time.
    const path = pathOf(request.url);
    if (!path.startsWith(this.#options.basePath)) return undefined;
    try {
      const reply = this.#answer(path, request, info);
      return reply instanceof Promise ? reply.catch(errorReply) : reply;
    } catch (error) {
      return errorReply(error);
    }
  }

  #answer(path: string, request: Request, info: unknown): Response | Promise<Response> {
    const { clock, basePath, plusIsSpace, maxValueBytes, greet } = this.#options;
    const { method } = request;
    if (method === "POST" && path === basePath) return answerHello(request, greet);
    const { group: name, key, keyList } = parse(() => parseTarget(path, basePath, plusIsSpace));
    const group = this.#options.group(name);
    if (group === undefined) {
      throw new GroupCacheError("peer-failed", `Cannot find group ${JSON.stringify(name)}`);
    }
    switch (method) {
      case "GET":
        return answerGet(group, key, { request, info, clock, maxValueBytes });
      case "PUT":
        return answerPut(group, request, maxValueBytes);
      case "DELETE":
        return answerDelete(group, key);
      case "POST":
        if (keyList === "_get-keys/") {
          return answerGetKeys(group, { request, info, clock, maxValueBytes });
        }
        if (keyList === "_remove-keys/") return answerRemoveKeys(group, request);
        if (keyList === "_handoff-keys/") return answerHandoff(group, request, this.#options);
    }
    const headers = { allow: "GET, PUT, DELETE, POST", [VERSION]: PROTOCOL_VERSION };
    return new Response("Cannot serve such a request", { status: 405, headers });
  }
}
