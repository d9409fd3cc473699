import {
  type GetsMessage,
  startMessage,
  writeCancel,
  writeGets,
  writePing,
} from "../../wire/channel.ts";
import { Writer } from "../../wire/writer.ts";

/** The body of a channel's request: gathers keys, cancels and a ping in messages. */
export class ChannelBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #writer = new Writer(1024);
  /** Where the message that has not been sent yet starts. */
  #start: number | undefined;
  #keys = 0;
  #keyBytes = 0;
  #sentBytes = 0;
  #isClosed = false;

  /** @param onLost Called when the runtime has lost the connection. */
  constructor(onLost: () => void) {
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: onLost,
    });
  }

  /** Whether nothing more can be sent. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The size of all messages sent, in bytes. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The number of keys in the next message. */
  get pendingKeys(): number {
    return this.#keys;
  }

  /** The size of the keys in the next message, in bytes. */
  get pendingKeyBytes(): number {
    return this.#keyBytes;
  }

  /** Adds keys to the next message. */
  addGets(gets: GetsMessage): void {
    const before = this.#writer.byteLength;
    writeGets(this.#open(), gets);
    this.#keys += gets.keys.length;
    this.#keyBytes += this.#writer.byteLength - before;
  }

  /** Adds the cancellation of a key to the next message. */
  addCancel(id: number): void {
    writeCancel(this.#open(), id);
  }

  /** Adds a ping to the next message. */
  addPing(ping: number): void {
    writePing(this.#open(), ping);
  }

  /** Sends the next message, unless it is empty. */
  send(): void {
    if (this.#start === undefined || this.#isClosed) return;
    this.#writer.endFrame(this.#start);
    this.#start = undefined;
    this.#keys = this.#keyBytes = 0;
    const bytes = this.#writer.take();
    this.#sentBytes += bytes.byteLength;
    this.#controller.enqueue(bytes);
  }

  /** Ends the body. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#controller.close();
    } catch {
      // The runtime has cancelled it.
    }
  }

  #open(): Writer {
    this.#start ??= startMessage(this.#writer);
    return this.#writer;
  }
}
