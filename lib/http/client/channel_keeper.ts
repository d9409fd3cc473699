import { withDeadline } from "../../timing/deadline.ts";
import { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { toPeerError } from "./failures.ts";
import type { KeyCall } from "./key_call.ts";
import type { KeyRequests } from "./key_requests.ts";

/** A channel is opened for calls that come within so many milliseconds of each other. */
const DEMAND_MS = 1000;

/** How long a channel may take to open, and then to return an echo, in milliseconds. */
const OPEN_MS = 1000;
const MAX_ECHO_MS = 250;
/** An echo may take longer than a request by so much, or so many times as long. */
const SPARE_ECHO_MS = 25;
const ECHO_FACTOR = 3;

/** After a failure none is opened for so long, in milliseconds: four times as long after each. */
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 600_000;

/**
 * Keeps a channel to a peer while there are calls for it: opens it beside the calls, trusts it once
 * echoes come back in time, replaces it when it is worn, and hands what it leaves unanswered to
 * ordinary requests.
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

  /** The channel for the next call, if there is one. If not, it may be opened for those after it. */
  current(): Channel | undefined {
    const channel = this.#channel;
    if (channel === undefined || channel.isWorn) this.#openIfWanted();
    return channel?.isOpen ? channel : undefined;
  }

  #openIfWanted(): void {
    const { offersChannel, options: { clock, channelSlots, health, closing } } = this.#connection;
    if (this.#isOpening || !offersChannel || closing.aborted) return;
    const nowMs = clock.now();
    const isWanted = nowMs - this.#calledAtMs <= DEMAND_MS;
    this.#calledAtMs = nowMs;
    if (!isWanted || nowMs < this.#retryAtMs || health.isOpen) return;
    if (channelSlots.tryAcquire()) this.#open();
  }

  async #open(): Promise<void> {
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
        if (error !== undefined) this.#pause();
        this.#rescue(unanswered, error, lifeAtMs);
      },
    });
    try {
      await withDeadline(() => channel.echo(), { clock, ms: OPEN_MS, onLate: isLate });
      // Opening takes time once; what counts is how long an answer takes from then on.
      const ms = Math.min(MAX_ECHO_MS, ECHO_FACTOR * this.#connection.latencyMs + SPARE_ECHO_MS);
      await withDeadline(() => channel.echo(), { clock, ms, onLate: isLate });
      if (!channel.isOpen) return;
      this.#channel?.retire();
      this.#channel = channel;
      this.#failures = 0;
    } catch (error) {
      channel.end(error);
    } finally {
      this.#isOpening = false;
    }
  }

  #pause(): void {
    const ms = Math.min(FIRST_PAUSE_MS * 4 ** this.#failures++, MAX_PAUSE_MS);
    this.#retryAtMs = this.#connection.options.clock.now() + ms;
  }

  /** @param lifeAtMs When the peer last showed life on the channel. */
  #rescue(unanswered: readonly KeyCall[], thrown: unknown, lifeAtMs: number): void {
    const { url, options: { health } } = this.#connection;
    if (unanswered.length > 0 && health.isSilent(lifeAtMs)) {
      const error = toPeerError(url, thrown);
      health.failed(error, lifeAtMs);
      for (const call of unanswered) call.reject(error);
      this.#requests.failQueued(error);
      return;
    }
    // What went wrong may be in the way of channels only: the peer is judged by requests.
    for (const call of unanswered) if (!call.isSettled) this.#requests.add(call);
  }
}

function isLate(): never {
  throw new TypeError("its channel is slow");
}
