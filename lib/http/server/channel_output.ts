import { Writer } from "../../wire/writer.ts";
import { MAX_AHEAD_BYTES } from "../peer_limits.ts";

/**
 * A message ends once it is this large, in bytes: a client reads the values in it once it is whole, and
 * copies what it has of one that arrives in two chunks.
 */
const MESSAGE_BYTES = 8 * 1024;

/** What a channel may have ahead of its client however many channels there are. */
const MIN_AHEAD_BYTES = 64 * 1024;

/** Bytes are enqueued at the latest once there are this many. */
const CHUNK_BYTES = 256 * 1024;

/** Writers between two uses: an idle channel needs none. */
const writers: Writer[] = [];
const MAX_WRITERS = 4;

/**
 * The reply of a channel: gathers answers in messages, and messages in chunks, because runtimes take
 * 20 to 60 µs for each chunk.
 */
export class ChannelOutput {
  /** The body of the reply. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #writer: Writer | undefined;
  #messageStart: number | undefined;
  /** Bytes that the runtime has not taken yet. */
  #queuedBytes = 0;
  #isOpen = true;
  #waiting: (() => void)[] = [];

  #share: () => number;

  /**
   * @param onLeave Called when the client goes before the end.
   * @param share Returns how many bytes may be ahead of the client because of all other channels.
   */
  constructor(onLeave: () => void, share: () => number = () => Infinity) {
    this.#share = share;
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#updateRoom();
        this.#wake();
      },
      cancel: () => {
        this.#isOpen = false;
        this.#wake();
        onLeave();
      },
    }, { highWaterMark: MAX_AHEAD_BYTES, size: (chunk) => chunk?.byteLength ?? 0 });
  }

  /** Whether the client still reads. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether more may be written before the client has read what was. */
  get hasRoom(): boolean {
    return this.#aheadBytes < Math.min(MAX_AHEAD_BYTES, Math.max(MIN_AHEAD_BYTES, this.#share()));
  }

  get #aheadBytes(): number {
    return this.#queuedBytes + (this.#writer?.byteLength ?? 0);
  }

  /**
   * Resolves once the client has read all but `maxAheadBytes` of what was written. Returns whether it
   * still reads.
   */
  async whenRoom(maxAheadBytes: number = MAX_AHEAD_BYTES): Promise<boolean> {
    while (this.#isOpen && !(this.hasRoom && this.#aheadBytes < maxAheadBytes)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#isOpen;
  }

  /** Where to write the next answer. Nothing is sent before `flush`. */
  start(): Writer {
    let writer = this.#writer;
    if (writer === undefined) writer = this.#writer = writers.pop() ?? new Writer(CHUNK_BYTES);
    else if (writer.byteLength >= CHUNK_BYTES) this.#enqueue(writer);
    if (
      this.#messageStart !== undefined && writer.byteLength - this.#messageStart > MESSAGE_BYTES
    ) {
      writer.endFrame(this.#messageStart);
      this.#messageStart = undefined;
    }
    this.#messageStart ??= writer.startFrame();
    return writer;
  }

  /** Sends what was written. */
  flush(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#enqueue(writer);
    this.#writer = undefined;
    if (writers.length < MAX_WRITERS) writers.push(writer);
  }

  /** Ends the reply. */
  close(): void {
    if (!this.#isOpen) return;
    this.flush();
    this.#isOpen = false;
    this.#controller.close();
    this.#wake();
  }

  #enqueue(writer: Writer): void {
    if (this.#messageStart !== undefined) writer.endFrame(this.#messageStart);
    this.#messageStart = undefined;
    const bytes = writer.take();
    if (!this.#isOpen) return;
    this.#controller.enqueue(bytes);
    this.#updateRoom();
  }

  #updateRoom(): void {
    this.#queuedBytes = MAX_AHEAD_BYTES - (this.#controller.desiredSize ?? 0);
  }

  /** Lets those look again who wait for room. */
  #wake(): void {
    if (this.#waiting.length === 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
