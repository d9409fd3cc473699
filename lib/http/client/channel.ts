import type { ByteView } from "../../byte_view.ts";
import { Due } from "../../timing/due_queue.ts";
import { chunkReaderOf } from "../chunk_reader.ts";
import { type ChannelAnswer, decodeChannelReply } from "../../wire/channel_reply.ts";
import { FrameDecoder } from "../../wire/frames.ts";
import { fromExpiry } from "../../wire/expiry.ts";
import {
  CHANNEL_LIFE_BYTES,
  CHANNEL_LIFE_MS,
  CHANNEL_UNUSED_MS,
  MAX_AHEAD_BYTES,
  MAX_CHANNEL_KEY_BYTES,
  MAX_CHANNEL_KEYS,
  MAX_CHANNEL_REPLY_BYTES,
  MAX_OWED_KEYS,
  MAX_UNACKNOWLEDGED,
  MIN_BYTES_PER_MS,
} from "../peer_limits.ts";
import { ChangeCall, outcomeOf } from "./change_call.ts";
import { ChannelBody } from "./channel_body.ts";
import type { Connection } from "./connection.ts";
import { peerFailure, receivedError, replyTooLarge } from "./failures.ts";
import { KeyBatcher, type Route } from "./key_batcher.ts";
import type { KeyCall } from "./key_call.ts";
import { type ChannelCall, OwedCalls } from "./owed_calls.ts";
import { PartialValues } from "./partial_values.ts";
import { ReceivedValue } from "./received_value.ts";

/**
 * One long request to a peer that carries any number of calls: keys in its body, and answers in its reply,
 * in the order in which they become ready.
 *
 * Each message of keys ends with a ping. The server answers it once it has looked up all preceding keys,
 * so loads delay no other keys. At most two pings are unanswered, so that keys collect here while the
 * server is busy.
 */
export class Channel extends Due implements Route<ChannelCall> {
  /** The instance id of the process that answers; undefined if it does not say so. */
  instance: string | undefined;
  #connection: Connection;
  #options: ChannelOptions;
  #batcher: KeyBatcher<ChannelCall>;
  #abort = new AbortController();
  #body: ChannelBody;
  #isOpen = true;
  /** Whether the channel accepts no more calls. */
  #isRetired = false;
  #takesChanges = false;
  /** Unanswered calls. Ids are not reused, so late answers do no harm. */
  #calls = new OwedCalls();
  #nextId = 1;
  #willFlush = false;
  #pings = 0;
  #pongs = 0;
  /** When the first unanswered ping was sent, and how many bytes had arrived by then. */
  #pingedAtMs = 0;
  #pingedAtBytes = 0;
  #receivedBytes = 0;
  #echo: PromiseWithResolvers<void> | undefined;
  #parts = new PartialValues();
  #openedAtMs: number;
  #usedAtMs: number;
  /** When something last arrived, or was last requested while nothing was owed. */
  #lifeAtMs: number;

  constructor(connection: Connection, options: ChannelOptions) {
    super();
    this.#connection = connection;
    this.#options = options;
    const { clock, limits } = connection.options;
    this.#batcher = new KeyBatcher({ clock, limits, url: connection.url, route: this });
    this.#openedAtMs = this.#usedAtMs = this.#lifeAtMs = clock.now();
    this.#body = new ChannelBody(() => {
      this.end(new TypeError("the body of its channel was cancelled"));
    });
    connection.options.closing.addEventListener("abort", this.#onClosing, { once: true });
    // Node sends no headers before the first bytes.
    this.flush();
    this.#receive();
  }

  /** Whether the channel should be replaced. */
  get isWorn(): boolean {
    return this.#isRetired || this.#body.sentBytes > CHANNEL_LIFE_BYTES ||
      this.#lifeAtMs - this.#openedAtMs > CHANNEL_LIFE_MS;
  }

  /** Whether the channel accepts calls. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isRetired;
  }

  /** Whether the server accepts changes here. */
  get takesChanges(): boolean {
    return this.#takesChanges;
  }

  /** Sends a call, together with others if possible. */
  add(call: ChannelCall): void {
    this.#batcher.add(call);
  }

  /**
   * Resolves once the server has looked up everything that was sent. For one caller at a time.
   *
   * @throws If the channel ends first.
   */
  echo(): Promise<void> {
    if (this.isIdle) this.flush();
    this.#echo = Promise.withResolvers();
    return this.#echo.promise;
  }

  /** Accepts no more calls, and ends once the pending ones are answered. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIfDone();
  }

  #onClosing = (): void => this.retire();

  get roomKeys(): number {
    if (this.#pings - this.#pongs >= MAX_UNACKNOWLEDGED) return 0;
    if (this.#body.pendingKeyBytes >= MAX_CHANNEL_KEY_BYTES) return 0;
    const mostKeys = MAX_OWED_KEYS - this.#calls.size;
    return Math.max(0, Math.min(MAX_CHANNEL_KEYS - this.#body.pendingKeys, mostKeys));
  }

  get isIdle(): boolean {
    return this.#pings === this.#pongs;
  }

  send(calls: ChannelCall[]): void {
    let start = 0;
    let bytes = 0;
    for (let i = 0; i < calls.length; i++) {
      const callBytes = (calls[i] as ChannelCall).maxBytes;
      bytes += callBytes;
      if (this.#body.pendingKeyBytes + bytes <= MAX_CHANNEL_KEY_BYTES) continue;
      // A server refuses larger messages.
      if (start < i) this.#add(calls.slice(start, i));
      this.#body.send();
      start = i;
      bytes = callBytes;
    }
    this.#add(start === 0 ? calls : calls.slice(start));
  }

  /** Adds calls to the next message. */
  #add(calls: ChannelCall[]): void {
    if (calls.length === 0) return;
    const firstId = this.#nextId;
    const nowMs = this.#connection.options.clock.now();
    for (const call of calls) {
      call.sentAtMs = nowMs;
      call.id = this.#nextId++;
      call.onLeave = this.#onLeave;
    }
    this.#calls.add(firstId, calls);
    this.#body.addCalls(calls, this.#connection.options.clock);
  }

  flush(): void {
    if (!this.#isOpen || this.#body.isClosed) return;
    const nowMs = this.#connection.options.clock.now();
    this.#usedAtMs = nowMs;
    const wasIdle = this.isIdle;
    if (wasIdle) this.#pinged(nowMs);
    this.#body.addPing(++this.#pings);
    this.#body.send();
    if (wasIdle) this.#awaitLife(nowMs);
  }

  /** The caller has left: the server need not go on for it. */
  #onLeave = (call: ChannelCall): void => {
    if (!this.#calls.delete(call.id) || !this.#isOpen || this.#body.isClosed) return;
    this.#parts.delete(call.id);
    this.#body.addCancel(call.id);
    if (this.#willFlush) return;
    this.#willFlush = true;
    // At once, whatever is unanswered, but with others that leave in this turn.
    queueMicrotask(() => {
      this.#willFlush = false;
      this.#body.send();
      this.#closeIfDone();
    });
  };

  async #receive(): Promise<void> {
    const { clock, health } = this.#connection.options;
    const frames = new FrameDecoder({
      maxBytes: MAX_CHANNEL_REPLY_BYTES,
      onTooLarge: (_, byteLength) => {
        throw new RangeError(`received a message of ${byteLength} bytes`);
      },
    });
    try {
      const opened = await this.#connection.open(this.#body.stream, this.#abort.signal);
      this.instance = opened.instance;
      const reader = chunkReaderOf(opened.body, { keeps: true });
      for (;;) {
        const value = await reader.read();
        if (!this.#isOpen) return;
        if (value === undefined) break;
        this.#lifeAtMs = clock.now();
        this.#receivedBytes += value.byteLength;
        health.heard();
        for (const message of frames.push(value)) this.#read(message);
        this.#closeIfDone();
      }
      this.end(this.#body.isClosed ? undefined : new TypeError("its channel was closed"));
    } catch (error) {
      this.end(error);
    }
  }

  #read(message: Uint8Array<ArrayBuffer>): void {
    const { answers, pong, isGoingAway, takesChanges, mark } = decodeChannelReply(message);
    for (const answer of answers) this.#settle(answer, mark);
    if (takesChanges) this.#takesChanges = true;
    if (isGoingAway) this.#isRetired = true;
    if (pong === undefined) return;
    if (pong <= this.#pongs || pong > this.#pings) throw new RangeError(`received pong ${pong}`);
    this.#pongs = pong;
    this.#connection.answered(this.#pingedAtMs);
    this.#pinged(this.#lifeAtMs);
    if (this.isIdle) this.#echo?.resolve();
    this.#batcher.schedule();
  }

  #pinged(atMs: number): void {
    this.#pingedAtMs = atMs;
    this.#pingedAtBytes = this.#receivedBytes;
  }

  #settle(answer: ChannelAnswer, mark: string | undefined): void {
    const { id, value, error, message: why, details, part, isLarge } = answer;
    const call = this.#calls.get(id);
    // The caller has left.
    if (call === undefined) return;
    if (call instanceof ChangeCall) {
      this.#calls.delete(id);
      return call.resolve(outcomeOf(answer, mark));
    }
    if (part !== undefined) return this.#addPart(call, part);
    this.#calls.delete(id);
    const { url } = this.#connection;
    if (error !== undefined) {
      call.reject(receivedError(url, error, { why, details }));
    } else if (isLarge) this.#options.onLarge(call);
    else if (value === undefined) {
      call.reject(peerFailure(url, "received an answer without a value"));
    } else this.#resolve(call, answer, value);
  }

  #resolve(call: KeyCall, answer: ChannelAnswer, last: ByteView): void {
    const value = this.#parts.complete(call.id, last);
    const { minuteQps } = answer;
    const { maxValueBytes } = this.#connection.options.limits;
    if (value.size > maxValueBytes) {
      const received = `a value of ${value.size} bytes`;
      call.reject(replyTooLarge(this.#connection.url, received, maxValueBytes));
    } else {
      const expiresAtMs = fromExpiry(answer, this.#connection.options.clock, call.sentAtMs);
      call.resolve(new ReceivedValue(value, expiresAtMs, minuteQps));
    }
  }

  #addPart(call: KeyCall, part: Uint8Array<ArrayBuffer>): void {
    const byteLength = this.#parts.add(call.id, part);
    const { maxValueBytes } = this.#connection.options.limits;
    if (byteLength <= maxValueBytes) return;
    const received = `${byteLength} bytes and no end`;
    call.reject(replyTooLarge(this.#connection.url, received, maxValueBytes));
    this.#onLeave(call);
  }

  /** Whether the server owes an answer. */
  get #isOwed(): boolean {
    return this.#calls.size > 0 || !this.isIdle;
  }

  #closeIfDone(): void {
    if (!this.#isRetired || this.#isOwed || this.#batcher.size > 0) return;
    this.#closeBody();
  }

  /** Ends the request. The server then ends the reply. */
  #closeBody(): void {
    if (!this.#isOpen || this.#body.isClosed) return;
    this.#isRetired = true;
    // There may be cancels that have not been sent.
    this.#body.send();
    this.#body.close();
    this.#awaitLife(this.#connection.options.clock.now());
    this.#options.onRetire();
  }

  /** From now on the server has so long to show life. */
  #awaitLife(nowMs: number): void {
    this.#lifeAtMs = nowMs;
    this.queue?.remove(this);
    const { silences, health } = this.#connection.options;
    silences.add(this, health.silenceLimitMs);
  }

  override onDue(): void {
    const { clock, health, silences } = this.#connection.options;
    const nowMs = clock.now();
    if (this.#isPongOverdue(nowMs)) return this.end(new TypeError("its channel answers no pings"));
    this.#failOverdueCalls(nowMs);
    const isWaiting = this.#isOwed || this.#body.isClosed;
    const sinceMs = isWaiting ? this.#lifeAtMs : this.#usedAtMs;
    const restMs = sinceMs + (isWaiting ? health.silenceLimitMs : CHANNEL_UNUSED_MS) - nowMs;
    if (restMs > 0) return silences.add(this, restMs);
    if (isWaiting) return this.end(new TypeError(`no sign of life for ${nowMs - sinceMs} ms`));
    this.retire();
  }

  /**
   * Signs of life are no excuse for ever. A pong comes at once, though behind as many bytes as a server
   * may have ahead of its client.
   */
  #isPongOverdue(nowMs: number): boolean {
    const bytes = Math.min(this.#receivedBytes - this.#pingedAtBytes, MAX_AHEAD_BYTES);
    const mostMs = this.#connection.spareMs + bytes / MIN_BYTES_PER_MS;
    return !this.isIdle && nowMs - this.#pingedAtMs > mostMs;
  }

  /** Fails the calls whose answers take longer than any load may. */
  #failOverdueCalls(nowMs: number): void {
    const { url, spareMs, options: { health } } = this.#connection;
    for (const call of this.#calls.all()) {
      const { peek, loadTimeoutMs = Infinity, sentAtMs } = call;
      const partsMs = this.#parts.byteLength(call.id) / MIN_BYTES_PER_MS;
      const mostMs = (peek ? 0 : loadTimeoutMs) + spareMs + partsMs;
      if (nowMs - sentAtMs <= mostMs) continue;
      const error = peerFailure(url, "its answer takes longer than any load may");
      health.failed(error, sentAtMs);
      call.reject(error);
      this.#onLeave(call);
    }
  }

  /** Ends the channel at once. Of no effect if it has ended. */
  end(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#isRetired = true;
    this.queue?.remove(this);
    this.#connection.options.closing.removeEventListener("abort", this.#onClosing);
    this.#body.close();
    this.#abort.abort(error);
    const unanswered = [...this.#calls.takeAll(), ...this.#batcher.takeAll()];
    this.#parts.clear();
    this.#echo?.promise.catch(() => {});
    this.#echo?.reject(error ?? new TypeError("it was closed"));
    this.#options.onEnd(unanswered, error, this.#lifeAtMs);
  }
}

/** Options for {@linkcode Channel}. */
export interface ChannelOptions {
  /** Called with a call whose value is too large for a channel. */
  onLarge: (call: KeyCall) => void;
  /** Called when the channel takes no more calls. */
  onRetire: () => void;
  /**
   * Called when the channel has ended, with the calls that it left unanswered, the reason if it was to
   * go on, and when the peer last showed life.
   */
  onEnd: (unanswered: readonly ChannelCall[], error: unknown, lifeAtMs: number) => void;
}
