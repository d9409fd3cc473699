import { isId } from "./change.ts";
import { type ChangeUpdate, fromChangeUpdateJson, toChangeUpdateJson } from "./change_update.ts";

/** How a process introduces itself to a peer. Request and reply are both hellos, as JSON. */
export interface Hello {
  /** An id of this run of the process: a restart changes it. */
  readonly instance: string;
  /** The base URL under which the process says it can be reached. */
  readonly self: string;
  /** The base URLs in its list of peers. */
  readonly peers: readonly string[];
  /** The name of its placement. */
  readonly placement: string;
  /** Whether it is shutting down and accepts no new work. */
  readonly isLeaving: boolean;
  /** Whether it had considered the receiver to be down. */
  readonly hadGivenUp: boolean;
  /** Whether it asks because of what somebody else said, and is to be answered at once. */
  readonly isProbe?: boolean;
  /** What it says of the changes that it knows of. Absent from those that keep no account of them. */
  readonly changes?: ChangeUpdate | undefined;
}

/** Encodes a hello. */
export function encodeHello(hello: Hello): string {
  const { changes, ...rest } = hello;
  return JSON.stringify({ ...rest, changes: changes && toChangeUpdateJson(changes) });
}

/**
 * Decodes a hello.
 *
 * @throws {TypeError} If the JSON is invalid or lacks a member.
 */
export function decodeHello(json: string): Hello {
  const hello = parse(json);
  const { instance, self, peers, placement, isLeaving, hadGivenUp, isProbe, changes } = hello;
  if (
    isId(instance) && typeof self === "string" && typeof placement === "string" &&
    Array.isArray(peers) && peers.every((peer) => typeof peer === "string")
  ) {
    // A later version may stop sending these.
    return {
      instance,
      self,
      peers,
      placement,
      isLeaving: isLeaving === true,
      hadGivenUp: hadGivenUp === true,
      ...(isProbe === true && { isProbe }),
      ...(changes !== undefined && { changes: fromChangeUpdateJson(changes) }),
    };
  }
  throw new TypeError(`expected a hello: received ${json.slice(0, 64)}`);
}

function parse(json: string): Record<keyof Hello, unknown> {
  try {
    return Object(JSON.parse(json));
  } catch {
    throw new TypeError(`expected a hello as JSON: received ${json.slice(0, 64)}`);
  }
}
