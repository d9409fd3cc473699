import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import type { PeerMismatchEvent } from "../events.ts";
import type { Hello } from "../wire/hello.ts";
import { Mismatches } from "./mismatches.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/**
 * A hello without an answer after this is lost, as what was sent over a network that was down. A peer
 * that was given up may be silent for longer, but to wait for that would keep the next probe waiting.
 */
const HELLO_MS = 3000;

/** How a {@linkcode Handshake} is made. */
export interface HandshakeOptions {
  /** Names this run of the process. */
  instanceId: string;
  /** The name of the placement in use. */
  placement: string;
  peers: PeerSet;
  clock: Clock;
  /** Tells operators. */
  report: (event: PeerMismatchEvent) => void;
}

/**
 * Exchanges hellos with peers. They tell who has started anew, who is about to leave, who has been
 * taken for dead, and where what two processes believe does not go together.
 */
export class Handshake {
  #options: HandshakeOptions;
  #mismatches: Mismatches;
  /** The last run that each peer told of. One that leaves the list is forgotten. */
  #instances = new WeakMap<Peer, string>();

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#mismatches = new Mismatches(options);
  }

  /**
   * Says hello to a peer. Resolves to whether it can be asked for values; it never rejects.
   *
   * @param hadGivenUp Whether it was taken for dead until now.
   */
  async greet(peer: Peer, hadGivenUp: boolean): Promise<boolean> {
    const { clock } = this.#options;
    try {
      const theirs = await withDeadline(
        (signal) => peer.hello(this.#hello(hadGivenUp), { signal }),
        {
          clock,
          ms: HELLO_MS,
          onLate: () => {
            throw new Error(`no answer within ${HELLO_MS} ms`);
          },
        },
      );
      // A Go peer, which knows no hellos, but answers.
      if (theirs === undefined) return true;
      this.#mismatches.compare(peer.url, theirs, this.#hello(false));
      if (hadGivenUp) this.#options.peers.reunited();
      return this.#meet(peer, theirs);
    } catch {
      return false;
    }
  }

  /** Answers a hello. */
  answer(theirs: Hello): Hello {
    const { instanceId, peers } = this.#options;
    const mine = this.#hello(false);
    // Said to itself under another name, which it will find out from the answer.
    if (theirs.instance === instanceId) return mine;
    this.#mismatches.compare(theirs.self, theirs, mine);
    if (theirs.hadGivenUp) peers.reunited();
    const peer = peers.find(theirs.self);
    if (peer !== undefined) this.#meet(peer, theirs);
    return mine;
  }

  /** Takes note of what a peer is. Returns whether it can be asked for values. */
  #meet(peer: Peer, { instance, isLeaving }: Hello): boolean {
    const isNew = this.#instances.get(peer) !== instance;
    this.#instances.set(peer, instance);
    if (isLeaving) peer.health.leaving();
    else peer.health.here({ isNew });
    return !isLeaving;
  }

  #hello(hadGivenUp: boolean): Hello {
    const { instanceId, placement, peers } = this.#options;
    return {
      instance: instanceId,
      self: peers.self ?? "",
      peers: peers.urls,
      placement,
      isLeaving: peers.isLeaving,
      hadGivenUp,
    };
  }
}
