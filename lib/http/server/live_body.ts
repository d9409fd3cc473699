import type { Clock } from "../../timing/clock.ts";
import { KEEPALIVE_MS } from "../peer_limits.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { OutgoingBytes } from "./outgoing_bytes.ts";
import { Progress } from "./progress.ts";

/** How many bytes are queued; others wait until the reader has consumed some. */
const ROOM_BYTES = 256 * 1024;

/** Fewer bytes are not worth a timer: they may wait for the reader. */
const WATCHED_BYTES = 64 * 1024;

/** How long a large value waits for room in the budget, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/**
 * A response body that is written while loads are in progress. It sends signs of life in the meantime and
 * detects when its reader leaves, at once in both runtimes and without `Request.signal`, which Deno also
 * aborts after successful replies. A reader that consumes nothing is abandoned after a while.
 */
export class LiveBody {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #options: LiveBodyOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #queued = new OutgoingBytes();
  /** Whether the reader is waiting for bytes. */
  #isPulled = false;
  #timer: unknown;
  #progress: Progress | undefined;
  #isOpen = true;
  #isEnding = false;
  /** The bytes taken from the budget. */
  #taken = 0;
  /** The callers that wait for room, in order. */
  #waiting: (() => void)[] = [];

  constructor(options: LiveBodyOptions) {
    this.#options = options;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#isPulled = true;
        this.#flush();
      },
      cancel: () => this.#leave(),
    }, { highWaterMark: 0 });
    this.#keepAlive();
  }

  /** Sends bytes, which must not be changed afterwards. No effect once the reader has left. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    this.#options.clock.clearTimeout(this.#timer);
    this.#queued.push(bytes);
    this.#flush();
    this.#keepAlive();
  }

  /** As `write`, for bytes that have already been taken from the budget. */
  writeTaken(taken: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#taken += taken;
    this.write(bytes);
  }

  /** Resolves once the reader has consumed most of the bytes, or has left. Then write at once. */
  async turn(): Promise<void> {
    if (!this.#hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Waits for room for a value in the budget of all replies; a small value needs none. Returns whether
   * there was room in time.
   */
  async takeRoom(byteLength: number): Promise<boolean> {
    if (!this.#isOpen || byteLength <= ROOM_BYTES) return true;
    if (!await this.#options.sent.take(byteLength, MAX_WAIT_MS)) return false;
    this.#taken += byteLength;
    if (!this.#isOpen) this.#giveBack();
    return true;
  }

  get #hasRoom(): boolean {
    return !this.#isOpen || this.#waiting.length === 0 && this.#queued.byteLength < ROOM_BYTES;
  }

  /** Whether the reader is still there. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Ends the body once all of it has been consumed. */
  end(): void {
    if (!this.#isOpen) return;
    this.#options.clock.clearTimeout(this.#timer);
    this.#isEnding = true;
    this.#flush();
  }

  #flush(): void {
    if (!this.#isOpen) return;
    const chunk = this.#isPulled ? this.#queued.shift() : undefined;
    if (chunk !== undefined) {
      this.#isPulled = false;
      this.#progress?.passed(chunk.byteLength);
      this.#controller.enqueue(chunk);
    }
    if (this.#queued.byteLength > WATCHED_BYTES) {
      this.#progress ??= new Progress(this.#options.clock, () => this.#leave());
    }
    if (this.#queued.byteLength === 0) {
      this.#giveBack();
      if (this.#isEnding && this.#waiting.length === 0) {
        this.#close();
        this.#controller.close();
      }
    }
    // Once one has written, the others wait again: each takes its turn in a microtask.
    if (this.#queued.byteLength < ROOM_BYTES) this.#waiting.shift()?.();
  }

  #keepAlive(): void {
    if (this.#isEnding) return;
    const { clock, keepalive } = this.#options;
    this.#timer = clock.setTimeout(() => {
      // A reader that consumes nothing does not see signs of life either.
      if (this.#queued.byteLength === 0) this.write(keepalive.slice());
      else this.#keepAlive();
    }, KEEPALIVE_MS);
  }

  /** Drops the rest, because the reader has left or does not read. */
  #leave(): void {
    if (!this.#isOpen) return;
    const isStalled = this.#progress?.isOver ?? false;
    this.#close();
    // A truncated message is invalid, because its value comes last.
    if (isStalled) this.#controller.close();
    this.#options.onLeave();
  }

  #close(): void {
    this.#isOpen = false;
    this.#options.clock.clearTimeout(this.#timer);
    this.#queued = new OutgoingBytes();
    this.#giveBack();
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Returns the bytes taken from the budget. */
  #giveBack(): void {
    this.#progress?.end();
    this.#progress = undefined;
    if (this.#taken === 0) return;
    const taken = this.#taken;
    this.#taken = 0;
    this.#options.sent.give(taken);
  }
}

/** Options for {@linkcode LiveBody}. */
export interface LiveBodyOptions {
  clock: Clock;
  /** The sign of life, sent while there is nothing else to send. */
  keepalive: Uint8Array<ArrayBuffer>;
  /** Bounds the bytes in transit of all replies. */
  sent: ByteBudget;
  /** Called if the reader leaves before the end, or is too slow. */
  onLeave: () => void;
}
