import { viewOf } from "../../byte_view.ts";
import { type GroupCacheError, printable } from "../../errors.ts";
import type { PeerHealth } from "../../peer/health.ts";
import type { EncodedValue } from "../../peer/peer.ts";
import type { Clock } from "../../timing/clock.ts";
import { ByteBuffer } from "../../wire/byte_buffer.ts";
import { chunkReaderOf } from "../chunk_reader.ts";
import { isId } from "../../wire/change.ts";
import { isMark, isTime } from "../../wire/change_note.ts";
import { fromExpiry } from "../../wire/expiry.ts";
import { type GetResponse, readSize } from "../../wire/get_response.ts";
import { contentLengthOf } from "../content_length.ts";
import type { Dialect } from "../dialect.ts";
import {
  CHANNEL,
  CHANNEL_VERSION,
  ERROR,
  FROM,
  MARK,
  PROTOBUF,
  TIME,
  VERSION,
} from "../headers.ts";
import { ENVELOPE_BYTES, MAX_NOTE_BYTES, MIN_BYTES_PER_MS } from "../peer_limits.ts";
import { adviceFor } from "./advice.ts";
import { peerFailure, receivedError, replyTooLarge } from "./failures.ts";

/** Larger bodies are read piece by piece, so that they may take their time. */
const SMALL_BODY_BYTES = 1 << 20;

/** What it takes to read the reply of a peer. */
export interface ReplyContext {
  /** The peer's base URL. */
  readonly url: string;
  /** The path under which peers serve each other. */
  readonly basePath: string;
  readonly dialect: Dialect;
  /** The largest value that is accepted, in bytes. */
  readonly maxValueBytes: number;
  readonly health: PeerHealth;
  /** When a reply without a value must have ended, in Unix milliseconds. */
  readonly endsAtMs: number;
  readonly clock: Clock;
  /** When the peer was asked, in Unix milliseconds. */
  readonly askedAtMs: number;
  /** Waits for the next part of a body, for as long as the peer may be silent. */
  wait<T>(part: Promise<T>): Promise<T>;
}

/** A peer's reply, and what it means. */
export class Reply {
  #response: Response;
  #context: ReplyContext;

  constructor(response: Response, context: ReplyContext) {
    this.#response = response;
    this.#context = context;
  }

  /** Whether the status says that the request was served. */
  get isOk(): boolean {
    return this.#response.status === 200;
  }

  /** Whether this implementation replied, rather than a Go peer or a proxy. */
  get isOurs(): boolean {
    return this.#response.headers.has(VERSION);
  }

  /**
   * If the peer refused a change because it knows of a later one, the latest time that it has heard
   * of; otherwise 0.
   */
  get staleAt(): number {
    if (this.#response.status !== 409) return 0;
    const time = Number(this.#response.headers.get(TIME));
    return isTime(time) ? time : 0;
  }

  /** The peer's mark, if it replied to a change. */
  get mark(): string | undefined {
    const mark = this.#response.headers.get(MARK);
    return isMark(mark) ? mark : undefined;
  }

  /** The instance id of the process that replied; undefined from Go peers and earlier versions. */
  get instance(): string | undefined {
    return instanceOf(this.#response);
  }

  /** Whether the peer's cache is closed. */
  get isClosed(): boolean {
    return this.#response.headers.get(ERROR) === "closed";
  }

  /** Whether the peer serves channels such as ours. */
  get offersChannel(): boolean {
    return this.#response.headers.get(CHANNEL) === CHANNEL_VERSION;
  }

  /**
   * Whether the peer can be asked for keys. A peer that lacks one group can be asked for others; one
   * that is closing cannot.
   */
  get isUp(): boolean {
    if (this.#response.ok) return true;
    return this.isOurs ? !this.isClosed : this.#context.dialect.isUp(this.#response.status);
  }

  /** Whether the body consists of messages. */
  get holdsMessages(): boolean {
    if (!this.isOk) return false;
    const type = this.#response.headers.get("content-type");
    // A proxy may have appended parameters.
    return type === PROTOBUF || type?.split(";", 1)[0]?.trim() === PROTOBUF;
  }

  /**
   * Reads the body of a reply that is one message.
   *
   * @throws {GroupCacheError} With code `too-large`, as soon as that is known.
   */
  async message(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new ByteBuffer();
    const maxBytes = this.#context.maxValueBytes + ENVELOPE_BYTES;
    await this.read((chunk, { isWhole }) => {
      if (isWhole) bytes.push(chunk);
      else {
        if (bytes.byteLength === 0) this.#reserve(bytes, readSize(chunk), maxBytes);
        bytes.copy(chunk);
      }
      return false;
    }, { maxBytes, keeps: false });
    return bytes.take();
  }

  /** Makes room for all of a message at once: to join a MiB in the end takes half a millisecond. */
  #reserve(bytes: ByteBuffer, size: number | undefined, maxBytes: number): void {
    if (size === undefined) return;
    if (size > maxBytes) throw this.tooLarge(`${size} bytes`);
    bytes.reserve(size);
  }

  /** Reads the start of the body: all of it if it is short, otherwise at least `enoughBytes`. */
  async start(enoughBytes: number, maxBytes: number = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new ByteBuffer();
    await this.read((chunk) => {
      bytes.push(chunk);
      return bytes.byteLength >= enoughBytes;
    }, { maxBytes });
    return bytes.take();
  }

  /**
   * Passes on the body as it arrives, a small one of known length in one piece, until `take` returns
   * true.
   *
   * @param options `keeps`: whether `take` may keep a chunk that is not the whole body; otherwise the chunk
   * is valid only during the call.
   * @throws {GroupCacheError} With code `too-large`, as soon as the body is known to be larger than
   * `maxBytes`.
   */
  async read(
    take: (chunk: Uint8Array<ArrayBuffer>, options: { isWhole: boolean }) => boolean,
    { maxBytes = Infinity, keeps = true }: { maxBytes?: number; keeps?: boolean } = {},
  ): Promise<void> {
    const response = this.#response;
    const { wait, health, clock } = this.#context;
    const length = contentLengthOf(response.headers);
    // The length of a compressed body is not that of its contents.
    const isSmall = length !== undefined && length <= Math.min(SMALL_BODY_BYTES, maxBytes) &&
      !response.headers.has("content-encoding");
    // Before `body` is read, which creates a stream.
    if (isSmall || response.body === null) {
      take(new Uint8Array(await wait(response.arrayBuffer())), { isWhole: true });
      return;
    }
    const reader = chunkReaderOf(response.body, { keeps });
    let byteLength = 0;
    const endsAtMs = this.#context.endsAtMs;
    try {
      if (length !== undefined && length > maxBytes) throw this.tooLarge(`${length} bytes`);
      while (true) {
        const value = await wait(reader.read());
        if (value === undefined) return;
        health.heard();
        byteLength += value.byteLength;
        // Signs of life are no excuse for ever; bytes are.
        if (clock.now() > endsAtMs + byteLength / MIN_BYTES_PER_MS) {
          throw this.failure("its reply takes longer than any load may");
        }
        if (byteLength > maxBytes) throw this.tooLarge(`${byteLength} bytes and no end`);
        if (take(value, { isWhole: false })) return;
      }
    } finally {
      // No effect if the body has ended.
      reader.cancel();
    }
  }

  /** Leaves the body unread. */
  discard(): void {
    this.#response.body?.cancel().catch(() => {});
  }

  /**
   * Throws the error of a reply without messages.
   *
   * @throws {GroupCacheError} Always.
   */
  async fail(): Promise<never> {
    if (!this.isOk) throw this.error(await this.start(MAX_NOTE_BYTES));
    this.discard();
    const type = this.#response.headers.get("content-type");
    throw this.failure(`expected ${PROTOBUF}: received ${type}`);
  }

  /**
   * The value in a message.
   *
   * @throws {GroupCacheError} If the message holds an error instead, or a value that is too large.
   */
  value(message: GetResponse): EncodedValue {
    const { value, minuteQps, error, message: why, details } = message;
    if (error !== undefined) throw receivedError(this.#context.url, error, { why, details });
    if (value === undefined) throw this.failure("received a reply without a value");
    if (value.byteLength > this.#context.maxValueBytes) {
      throw this.tooLarge(`a value of ${value.byteLength} bytes`);
    }
    const { clock, askedAtMs } = this.#context;
    const expiresAtMs = fromExpiry(message, clock, askedAtMs);
    return { view: viewOf(value), expiresAtMs, minuteQps };
  }

  /** The error in a reply whose body begins with `body`. */
  error(body: Uint8Array): GroupCacheError {
    const { status, headers } = this.#response;
    const text = new TextDecoder().decode(body.subarray(0, 1024)).trim();
    // A page tells people nothing here.
    const why = text === "" ? "no reason given" : text.startsWith("<") ? "a page" : text;
    const code = headers.get(ERROR) ??
      (this.isOurs ? undefined : this.#context.dialect.errorCode(status, why));
    return code === undefined
      ? this.failure(`received status ${status}: ${printable(why)}`)
      : receivedError(this.#context.url, code, { why });
  }

  /** The error of a value that is too large. It says nothing about other keys. */
  tooLarge(received: string): GroupCacheError {
    const { url, maxValueBytes } = this.#context;
    return replyTooLarge(url, received, maxValueBytes);
  }

  /** The error of a peer that could not be asked. */
  failure(why: string): GroupCacheError {
    const { url, basePath } = this.#context;
    const { status, headers } = this.#response;
    const type = headers.get("content-type");
    const advice = this.isOurs ? "" : adviceFor({ status, type, basePath });
    return peerFailure(url, advice === "" ? why : `${why}; ${advice}`);
  }
}

/** The instance id of the process that replied; undefined from Go peers and earlier versions. */
export function instanceOf({ headers }: Response): string | undefined {
  const instance = headers.get(FROM);
  return isId(instance) ? instance : undefined;
}
