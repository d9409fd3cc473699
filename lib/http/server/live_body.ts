import type { Clock } from "../../timing/clock.ts";
import { KEEPALIVE_MS } from "../peer_limits.ts";

/**
 * A response body that is written while loads go on: it shows life when there is nothing to say,
 * and tells when its reader has gone, in both runtimes at once and without `Request.signal`,
 * which Deno aborts after successful replies too.
 */
export class LiveBody {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #clock: Clock;
  #keepalive: Uint8Array<ArrayBuffer>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #timer: unknown;
  #isOpen = true;
  /** Tells who waits for the reader. */
  #onTaken: (() => void) | undefined;

  /**
   * @param keepalive What to send when there is nothing to say.
   * @param onLeave Called when the reader goes before the end.
   */
  constructor(clock: Clock, keepalive: Uint8Array<ArrayBuffer>, onLeave: () => void) {
    this.#clock = clock;
    this.#keepalive = keepalive;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#onTaken?.(),
      cancel: () => {
        this.#close();
        onLeave();
      },
    });
    this.#keepAlive();
  }

  /** Sends bytes, which must not be used afterwards. Nothing happens once the reader has gone. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    this.#clock.clearTimeout(this.#timer);
    this.#controller.enqueue(bytes);
    this.#keepAlive();
  }

  /**
   * Resolves when the reader has taken all that was written, or has gone. One who waits at a time.
   * Returns whether it is still there.
   */
  async whenTaken(): Promise<boolean> {
    if (this.#isOpen && (this.#controller.desiredSize ?? 0) <= 0) {
      await new Promise<void>((resolve) => this.#onTaken = resolve);
    }
    return this.#isOpen;
  }

  /** Ends the body. */
  end(): void {
    if (!this.#isOpen) return;
    this.#close();
    this.#controller.close();
  }

  #keepAlive(): void {
    this.#timer = this.#clock.setTimeout(() => this.write(this.#keepalive.slice()), KEEPALIVE_MS);
  }

  #close(): void {
    this.#isOpen = false;
    this.#clock.clearTimeout(this.#timer);
    this.#onTaken?.();
  }
}
