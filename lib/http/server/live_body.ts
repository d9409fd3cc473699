import type { Clock } from "../../timing/clock.ts";
import { KEEPALIVE_MS } from "../peer_limits.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { OutgoingBytes } from "./outgoing_bytes.ts";
import { Progress } from "./progress.ts";

/** What is queued beyond this many bytes waits until the reader has taken some. */
const ROOM_BYTES = 256 * 1024;

/** Less is not worth a timer: it may stay until its reader comes. */
const WATCHED_BYTES = 64 * 1024;

/** How long a large value waits for room among those on their way, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/** Options for {@linkcode LiveBody}. */
export interface LiveBodyOptions {
  clock: Clock;
  /** What to send when there is nothing to say. */
  keepalive: Uint8Array<ArrayBuffer>;
  /** Bounds what is on its way in all replies. */
  sent: ByteBudget;
  /** Called when the reader goes before the end, or takes too long. */
  onLeave: () => void;
}

/**
 * A response body that is written while loads go on: it shows life when there is nothing to say,
 * and tells when its reader has gone, in both runtimes at once and without `Request.signal`,
 * which Deno aborts after successful replies too. One that does not read is left alone after a while.
 */
export class LiveBody {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #options: LiveBodyOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #queued = new OutgoingBytes();
  /** Whether the reader waits for bytes. */
  #isPulled = false;
  #timer: unknown;
  #progress: Progress | undefined;
  #isOpen = true;
  #isEnding = false;
  /** Bytes in the budget. */
  #taken = 0;
  /** Those who wait for room, in their order. */
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

  /** Sends bytes, which must not be used afterwards. Nothing happens once the reader has gone. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    this.#options.clock.clearTimeout(this.#timer);
    this.#queued.push(bytes);
    this.#flush();
    this.#keepAlive();
  }

  /** As `write`, for bytes that already count in the budget as so many. */
  writeTaken(taken: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#taken += taken;
    this.write(bytes);
  }

  /** Resolves when the reader has taken most of what was written, or has gone. Then write at once. */
  async turn(): Promise<void> {
    if (!this.#hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Waits for room for a value among those that are on their way in all replies; a small one needs
   * none. Returns whether there was room soon enough.
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

  /** Ends the body when all of it has been taken. */
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
    // After one has written the others wait again: each takes its turn in a microtask.
    if (this.#queued.byteLength < ROOM_BYTES) this.#waiting.shift()?.();
  }

  #keepAlive(): void {
    if (this.#isEnding) return;
    const { clock, keepalive } = this.#options;
    this.#timer = clock.setTimeout(() => {
      // A reader that does not read sees no signs of life either.
      if (this.#queued.byteLength === 0) this.write(keepalive.slice());
      else this.#keepAlive();
    }, KEEPALIVE_MS);
  }

  /** The reader has gone, or does not read. What it has not taken is of no use. */
  #leave(): void {
    if (!this.#isOpen) return;
    const isStalled = this.#progress?.isOver ?? false;
    this.#close();
    // A message that breaks off is none: its value comes last.
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

  /** Nothing large is on its way any more. */
  #giveBack(): void {
    this.#progress?.end();
    this.#progress = undefined;
    if (this.#taken === 0) return;
    const taken = this.#taken;
    this.#taken = 0;
    this.#options.sent.give(taken);
  }
}
