import { withDeadline } from "../../timing/deadline.ts";
import { detached } from "../../tracer.ts";
import { ChangeCall } from "./change_call.ts";
import { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { toPeerError } from "./failures.ts";
import type { KeyRequests } from "./key_requests.ts";
import type { ChannelCall } from "./owed_calls.ts";
import { StaleChallenge } from "./proven_fetch.ts";

/** A channel is opened when two calls are less than this apart, in milliseconds. */
const DEMAND_MS = 1000;

/** How long a channel may take to open, and then to return an echo, in milliseconds. */
const OPEN_MS = 1000;
const MAX_ECHO_MS = 250;
/** How much longer than a request an echo may take: an allowance in milliseconds, and a factor. */
const SPARE_ECHO_MS = 25;
const ECHO_FACTOR = 3;
/** How many echoes are tried, of which one must be quick. */
const ECHOES = 3;

/** The pause after a failure, in milliseconds. It grows by a factor of four with each failure. */
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 600_000;

/**
 * Maintains a channel to a peer while there are calls for it: opens the channel in the background, adopts
 * it once echoes return in time, replaces it when it is worn, and repeats its unanswered calls as ordinary
 * requests.
 */
export class ChannelKeeper {
  #connection: Connection;
  #requests: KeyRequests;
  #channel: Channel | undefined;
  #isOpening = false;
  #retryAtMs = -Infinity;
  #failures = 0;
  #calledAtMs = -Infinity;

  constructor(connection: Connection, requests: KeyRequests) {
    this.#connection = connection;
    this.#requests = requests;
  }

  /** Returns the channel for the next call, if there is one. Otherwise it may start opening one. */
  current(): Channel | undefined {
    const channel = this.#channel;
    if (channel === undefined || channel.isWorn) this.#openIfWanted();
    return channel?.isOpen ? channel : undefined;
  }

  /** Records that the peer is asked again: what failed while it was down says nothing of channels. */
  peerIsUp(): void {
    this.#failures = 0;
    this.#retryAtMs = -Infinity;
  }

  #openIfWanted(): void {
    const { offersChannel, options } = this.#connection;
    const { clock, channelSlots, health, closing, tracer } = options;
    if (this.#isOpening || !offersChannel || closing.aborted) return;
    const nowMs = clock.now();
    const isWanted = nowMs - this.#calledAtMs <= DEMAND_MS;
    this.#calledAtMs = nowMs;
    if (!isWanted || nowMs < this.#retryAtMs || health.isOpen) return;
    if (channelSlots.tryAcquire()) detached(tracer, () => this.#open());
  }

  /** @param mayReopen Whether to open another channel at once after an error. */
  async #open(
    mayReopen = (error: unknown): boolean => error instanceof StaleChallenge,
  ): Promise<void> {
    const { clock, channelSlots } = this.#connection.options;
    this.#isOpening = true;
    const channel: Channel = new Channel(this.#connection, {
      onLarge: (call) => {
        call.isLarge = true;
        this.#requests.add(call);
      },
      onRetire: () => {
        if (this.#channel === channel) this.#channel = undefined;
      },
      onEnd: (unanswered, error, lifeAtMs) => {
        channelSlots.release();
        if (this.#channel === channel) this.#channel = undefined;
        if (error !== undefined && !mayReopen(error)) this.#pause();
        this.#rescue(unanswered, error, lifeAtMs);
      },
    });
    try {
      await withDeadline(() => channel.echo(), { clock, ms: OPEN_MS, onLate: isLate });
      // Opening takes time only once. What counts is the latency from then on.
      const ms = ECHO_FACTOR * this.#connection.latencyMs + SPARE_ECHO_MS;
      for (let echo = 1;; echo++) {
        const startMs = clock.now();
        await withDeadline(() => channel.echo(), { clock, ms: MAX_ECHO_MS, onLate: isLate });
        if (clock.now() - startMs <= ms) break;
        // A busy machine delays some of them, a proxy that buffers or delays all.
        if (echo === ECHOES) isLate();
      }
      if (channel.isOpen) {
        this.#channel?.retire();
        this.#channel = channel;
        this.#failures = 0;
      }
    } catch (error) {
      channel.end(error);
      // The peer has started anew. An ordinary request would have been repeated as well.
      if (mayReopen(error) && channelSlots.tryAcquire()) return this.#open(() => false);
    }
    this.#isOpening = false;
  }

  #pause(): void {
    const ms = Math.min(FIRST_PAUSE_MS * 4 ** this.#failures++, MAX_PAUSE_MS);
    this.#retryAtMs = this.#connection.options.clock.now() + ms;
  }

  /** @param lifeAtMs When something last arrived on the channel. */
  #rescue(unanswered: readonly ChannelCall[], thrown: unknown, lifeAtMs: number): void {
    const { url, options: { health } } = this.#connection;
    if (unanswered.length > 0 && health.isSilent(lifeAtMs)) {
      const error = toPeerError(url, thrown);
      health.failed(error, lifeAtMs);
      for (const call of unanswered) call.reject(error);
      this.#requests.failQueued(error);
      return;
    }
    // The problem may affect only channels, so the peer is judged by ordinary requests.
    for (const call of unanswered) {
      if (call instanceof ChangeCall) call.resolve(undefined);
      else if (!call.isSettled) this.#requests.add(call);
    }
  }
}

function isLate(): never {
  throw new TypeError("its channel is too slow");
}
