/** What peers tell each other about themselves. It travels as JSON, both ways. */
export interface Hello {
  /** Names this run of the process: another one after each start. */
  readonly instance: string;
  /** How the process is reached, as it says itself. */
  readonly self: string;
  /** The base URLs of all processes, as it has them. */
  readonly peers: readonly string[];
  /** The name of its placement. */
  readonly placement: string;
  /** Whether it takes no new work, because it is about to end. */
  readonly isLeaving: boolean;
  /** Whether it had given up the one that it says hello to. */
  readonly hadGivenUp: boolean;
}

export function encodeHello(hello: Hello): string {
  return JSON.stringify(hello);
}

/** @throws {TypeError} If it is none. */
export function decodeHello(json: string): Hello {
  const hello = parse(json);
  const { instance, self, peers, placement, isLeaving, hadGivenUp } = hello;
  if (
    typeof instance === "string" && typeof self === "string" && typeof placement === "string" &&
    Array.isArray(peers) && peers.every((peer) => typeof peer === "string")
  ) {
    // What a later version no longer says is taken for no.
    return {
      instance,
      self,
      peers,
      placement,
      isLeaving: isLeaving === true,
      hadGivenUp: hadGivenUp === true,
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
