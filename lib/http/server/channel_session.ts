import { borrowBytes } from "../../byte_view.ts";
import { encodeDetails, GroupCacheError } from "../../errors.ts";
import { checkKeySize } from "../../key.ts";
import type { EncodedValue, PeerBackend } from "../../peer/peer.ts";
import {
  type ChannelValue,
  writeError,
  writeGoaway,
  writeLarge,
  writePart,
  writePong,
  writeTakesChanges,
  writeValue,
} from "../../wire/channel_reply.ts";
import { decodeChannelRequest, type GetsMessage } from "../../wire/channel_request.ts";
import { FrameDecoder } from "../../wire/frames.ts";
import { traceparentAt } from "../../wire/key_traces.ts";
import { ttlOf } from "../../wire/expiry.ts";
import {
  CHANNEL_GRACE_MS,
  CHANNEL_IDLE_MS,
  CHANNEL_MAX_MS,
  KEEPALIVE_MS,
  MAX_CHANNEL_REQUEST_BYTES,
  MAX_INLINE_BYTES,
  MAX_OWED_KEYS,
} from "../peer_limits.ts";
import { type ChunkReader, chunkReaderOf } from "../chunk_reader.ts";
import { applyChanges, takesChanges } from "./channel_change.ts";
import { ChannelOutput } from "./channel_output.ts";
import { inNextTurn } from "../../timing/clock.ts";
import type { Call, EndpointHost } from "./endpoint.ts";
import { loadForPeer } from "./load_for_peer.ts";
import { checkMaySend, notInMemory, toGroupCacheError } from "./replies.ts";
import { parse } from "./request_body.ts";

/** How many bytes of large values may be queued before the answers to other keys. */
const LARGE_AHEAD_BYTES = 256 * 1024;

/** A requested key. */
interface Wanted {
  readonly id: number;
  readonly key: string;
  readonly minuteQps: number;
  /** The trace that asks for it. */
  readonly traceparent: string | undefined;
}

/** The outcome of a load, not yet written. */
interface Outcome {
  readonly id: number;
  readonly minuteQps: number;
  readonly value: EncodedValue | undefined;
  readonly error: unknown;
}

/**
 * Serves one channel: values in memory at once, loads as they finish. The next keys are read once the reply
 * has room for the answers to the previous ones, so a client that stalls affects only itself.
 */
export class ChannelSession {
  readonly output: ChannelOutput;
  #call: Call;
  #host: EndpointHost;
  #reader: ChunkReader;
  #loads = new Map<number, AbortController>();
  /** Outcomes of loads, written together in the next turn. */
  #outcomes: Outcome[] = [];
  #isWriting = false;
  /** How many large values are being written in parts. */
  #largeValues = 0;
  #isBodyRead = false;
  #timer: unknown;
  #timerMs = 0;
  #lastReadMs: number;
  #openedAtMs: number;
  #onEnd: () => void;

  /** @param onEnd Called when the channel has ended. */
  constructor(
    call: Call,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    onEnd: () => void,
  ) {
    const { host } = call;
    this.#call = call;
    this.#host = host;
    this.#reader = chunkReaderOf(body, { keeps: true });
    this.#openedAtMs = this.#lastReadMs = host.clock.now();
    this.#onEnd = onEnd;
    const { sent, channels } = host;
    this.output = new ChannelOutput(() => this.end(), () => sent.share(channels.size));
    // Bun sends no headers before the first chunk, so there is one even if it says nothing.
    const writer = this.output.start();
    if (takesChanges(call)) writeTakesChanges(writer);
    this.output.flush();
    this.#setTimer(CHANNEL_IDLE_MS);
  }

  /** Reads keys until the client sends no more. Never rejects. */
  async serve(): Promise<void> {
    const frames = new FrameDecoder({
      maxBytes: MAX_CHANNEL_REQUEST_BYTES,
      onTooLarge: () => this.end(),
    });
    try {
      while (this.output.isOpen) {
        const value = await this.#reader.read();
        if (value === undefined) break;
        this.#lastReadMs = this.#host.clock.now();
        for (const message of frames.push(value)) {
          const { gets, changes, cancels, ping } = decodeChannelRequest(message);
          for (const id of cancels) this.#cancel(id);
          if (gets.length + changes.length > 0) this.#checkAge();
          if (changes.length > 0) {
            // A client that does not read must not make this process gather outcomes for it.
            if (!this.output.hasRoom) await this.output.whenRoom();
            applyChanges(changes, this.#call, this.#lastReadMs, this.output);
          }
          for (const block of gets) {
            const later = this.#get(block);
            if (later.length > 0) await this.#getLater(block, later);
          }
          if (ping !== undefined) writePong(this.output.start(), ping);
        }
        this.output.flush();
      }
      this.#isBodyRead = true;
      this.#finish();
    } catch {
      // The client has left, or has sent an invalid message.
      this.end();
    }
  }

  /** Tells the client to send its keys elsewhere, and ends the channel soon. */
  goAway(graceMs: number): void {
    writeGoaway(this.output.start());
    this.output.flush();
    this.#host.clock.clearTimeout(this.#timer);
    this.#timerMs = KEEPALIVE_MS; // It is not set again.
    this.#timer = this.#host.clock.setTimeout(() => this.end(), graceMs);
  }

  /** Ends the channel, and all loads without other callers. */
  end(): void {
    if (this.#onEnd === ended) return;
    const onEnd = this.#onEnd;
    this.#onEnd = ended;
    this.#host.clock.clearTimeout(this.#timer);
    this.output.close();
    this.#reader.cancel();
    for (const waiter of this.#loads.values()) waiter.abort();
    this.#loads.clear();
    onEnd();
  }

  /** Answers from memory, or starts loads. Returns the keys that must wait for room. */
  #get({ group: name, keys, firstId, peek, timeoutMs, traces }: GetsMessage): Wanted[] {
    const later: Wanted[] = [];
    let group: PeerBackend;
    try {
      group = this.#groupOf(name);
    } catch (error) {
      for (let i = 0; i < keys.length; i++) this.#writeError(firstId + i, error);
      return later;
    }
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const id = firstId + i;
      try {
        parse(() => checkKeySize(key)); // Decoded text is well-formed.
        const traceparent = traces && traceparentAt(traces, i);
        const wanted = { id, key, minuteQps: group.count(key, this.#lastReadMs), traceparent };
        if (!this.output.hasRoom) later.push(wanted);
        else if (!this.#writeHit(group, wanted)) this.#load(group, wanted, peek, timeoutMs);
      } catch (error) {
        this.#writeError(id, error);
      }
    }
    return later;
  }

  async #getLater({ group: name, peek, timeoutMs }: GetsMessage, later: Wanted[]): Promise<void> {
    for (const wanted of later) {
      this.output.flush();
      if (!await this.output.whenRoom()) return;
      try {
        const group = this.#groupOf(name);
        if (!this.#writeHit(group, wanted)) this.#load(group, wanted, peek, timeoutMs);
      } catch (error) {
        this.#writeError(wanted.id, error);
      }
    }
  }

  #groupOf(name: string): PeerBackend {
    const group = this.#host.group(name);
    if (group !== undefined) return group;
    throw new GroupCacheError("peer-failed", `Cannot find group ${JSON.stringify(name)}`);
  }

  /** Writes the value of a key if it is in memory. */
  #writeHit(group: PeerBackend, { id, key, minuteQps }: Wanted): boolean {
    const found = group.find(key);
    if (found === undefined) return false;
    const { value, expiresAtMs } = found;
    checkMaySend(key, value.byteLength, this.#host.maxValueBytes);
    const writer = this.output.start();
    const isLarge = value.byteLength > MAX_INLINE_BYTES;
    if (isLarge) writeLarge(writer, id);
    else writeValue(writer, id, { value, ttlMs: ttlOf(expiresAtMs, this.#host.clock), minuteQps });
    if (!isLarge) this.#host.pace.answered();
    return true;
  }

  #load(group: PeerBackend, wanted: Wanted, peek: boolean, timeoutMs: number): void {
    const { id, key, minuteQps, traceparent } = wanted;
    if (peek) throw notInMemory(key);
    if (this.#loads.size >= MAX_OWED_KEYS) {
      throw new GroupCacheError("overloaded", `Cannot load: ${MAX_OWED_KEYS} keys are loading`);
    }
    if (this.#loads.has(id)) throw new RangeError(`received the id ${id} twice`);
    const { waiter, value } = loadForPeer({ ...this.#call, group }, key, {
      timeoutMs,
      traceparent,
    });
    this.#loads.set(id, waiter);
    if (this.#timerMs !== KEEPALIVE_MS) this.#setTimer(KEEPALIVE_MS);
    value.then(
      (value) => this.#settled({ id, minuteQps, value, error: undefined }),
      (error) => this.#settled({ id, minuteQps, value: undefined, error }),
    );
  }

  /** The sender may no longer be one that would be let in. */
  #checkAge(): void {
    const ageMs = this.#lastReadMs - this.#openedAtMs;
    if (ageMs > CHANNEL_MAX_MS) throw new RangeError(`was asked after ${ageMs} ms`);
  }

  #cancel(id: number): void {
    const waiter = this.#loads.get(id);
    this.#loads.delete(id);
    waiter?.abort();
  }

  #settled(outcome: Outcome): void {
    // Cancelled, or the client has left.
    if (!this.#loads.delete(outcome.id)) return;
    this.#outcomes.push(outcome);
    if (this.#isWriting) return;
    this.#isWriting = true;
    inNextTurn(this.#host.clock, () => this.#writeOutcomes());
  }

  #writeOutcomes(): void {
    while (this.#outcomes.length > 0) {
      const outcomes = this.#outcomes;
      this.#outcomes = [];
      for (const { id, value: loaded, minuteQps, error } of outcomes) {
        if (loaded === undefined) this.#writeError(id, error);
        else this.#writeLoaded(id, loaded, minuteQps);
        if (!this.output.isOpen) return;
      }
      this.output.flush();
    }
    this.#isWriting = false;
    this.#finish();
  }

  #writeLoaded(id: number, { view, expiresAtMs }: EncodedValue, minuteQps: number): void {
    const { clock, sent } = this.#host;
    const value = { value: borrowBytes(view), ttlMs: ttlOf(expiresAtMs, clock), minuteQps };
    const isLarge = view.size > MAX_INLINE_BYTES;
    // Nothing is held for a client that reads too slowly: it has to ask for it again.
    if (!this.output.hasRoom || isLarge && !sent.tryTake(view.size)) {
      writeLarge(this.output.start(), id);
    } else if (isLarge) this.#writeLarge(id, value);
    else writeValue(this.output.start(), id, value);
  }

  /** Sends a large value in parts, each once there is room, so that small values get through. */
  async #writeLarge(id: number, loaded: ChannelValue): Promise<void> {
    let { value } = loaded;
    this.#largeValues++;
    for (; value.byteLength > MAX_INLINE_BYTES; value = value.subarray(MAX_INLINE_BYTES)) {
      writePart(this.output.start(), id, value.subarray(0, MAX_INLINE_BYTES));
      this.output.flush();
      await this.#host.pace.turn();
      if (!await this.output.whenRoom(LARGE_AHEAD_BYTES)) break;
    }
    this.#host.sent.give(loaded.value.byteLength);
    this.#largeValues--;
    if (!this.output.isOpen) return;
    writeValue(this.output.start(), id, { ...loaded, value });
    this.output.flush();
    this.#finish();
  }

  #writeError(id: number, thrown: unknown): void {
    const error = toGroupCacheError(thrown);
    const { code, message } = error;
    writeError(this.output.start(), id, { code, message, details: encodeDetails(error) });
  }

  /** Ends the channel if the client has finished and nothing is owed to it. */
  #finish(): void {
    if (!this.#isBodyRead || this.#isOwing) return;
    this.output.flush();
    this.end();
  }

  /** Whether answers are owed to the client. */
  get #isOwing(): boolean {
    return this.#loads.size > 0 || this.#isWriting || this.#largeValues > 0;
  }

  #setTimer(ms: number): void {
    const { clock } = this.#host;
    clock.clearTimeout(this.#timer);
    this.#timerMs = ms;
    this.#timer = clock.setTimeout(this.#onTimer, ms);
    clock.unrefTimer?.(this.#timer);
  }

  #onTimer = (): void => {
    const idleMs = this.#host.clock.now() - this.#lastReadMs;
    if (idleMs >= CHANNEL_IDLE_MS) {
      if (!this.#isOwing) return this.goAway(CHANNEL_GRACE_MS);
      // The client has stalled.
      if (!this.output.hasRoom) return this.end();
    }
    // A client that does not read needs no signs of life, and they would pile up.
    if (this.#isOwing && this.output.hasRoom) {
      this.output.start();
      this.output.flush();
    }
    this.#setTimer(this.#isOwing ? KEEPALIVE_MS : CHANNEL_IDLE_MS - Math.max(0, idleMs));
  };
}

const ended = (): void => {};
