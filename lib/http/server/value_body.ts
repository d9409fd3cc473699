import { borrowBytes, type ByteView } from "../../byte_view.ts";
import type { Clock } from "../../timing/clock.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { Pace } from "./pace.ts";
import { Progress } from "./progress.ts";

/**
 * A response body that ends with a large value, which is copied piece by piece, as its reader consumes it:
 * a whole MiB would stop the process for half a millisecond. A reader that consumes nothing is abandoned
 * after a while.
 */
export class ValueBody {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #options: ValueBodyOptions;
  #bytes: Uint8Array<ArrayBuffer>;
  #position = 0;
  #progress: Progress;
  #isOpen = true;

  constructor(options: ValueBodyOptions) {
    const { clock, pace, value } = options;
    this.#options = options;
    this.#bytes = borrowBytes(value);
    let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    this.stream = new ReadableStream({
      start: (itsController) => {
        controller = itsController;
      },
      pull: async () => {
        const maxBytes = await pace.turn();
        if (this.#isOpen) this.#send(controller, maxBytes);
      },
      cancel: () => this.#end(),
    }, { highWaterMark: 0 });
    this.#progress = new Progress(clock, () => {
      // A truncated message is invalid, because its value comes last.
      controller.close();
      this.#end();
    });
  }

  #send(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
    maxBytes: number,
  ): void {
    const end = Math.min(this.#position + maxBytes, this.#bytes.byteLength);
    const { head } = this.#options;
    const isFirst = this.#position === 0;
    // A copy: whoever passes the body on may do with it as it likes.
    const piece = isFirst
      ? new Uint8Array(head.byteLength + end)
      : this.#bytes.slice(this.#position, end);
    if (isFirst) {
      piece.set(head);
      piece.set(this.#bytes.subarray(0, end), head.byteLength);
    }
    this.#position = end;
    this.#progress.passed(piece.byteLength);
    controller.enqueue(piece);
    if (end < this.#bytes.byteLength) return;
    controller.close();
    this.#end();
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#progress.end();
    const { sent, takenBytes } = this.#options;
    sent.give(takenBytes);
  }
}

/** Options for {@linkcode ValueBody}. */
export interface ValueBodyOptions {
  clock: Clock;
  /** Decides when to send the next piece, and how large it is. */
  pace: Pace;
  /** Bounds the bytes in transit of all replies. */
  sent: ByteBudget;
  /** How many bytes have been taken from it, to be given back at the end. */
  takenBytes: number;
  /** What precedes the value. */
  head: Uint8Array<ArrayBuffer>;
  value: ByteView;
}
