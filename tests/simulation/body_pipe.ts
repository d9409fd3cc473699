/** Options for {@linkcode BodyPipe}. */
export interface BodyPipeOptions {
  /** Whether the process that sends has died. */
  isGone: () => boolean;
  /**
   * Sends something, behind what was sent before; `deliver` is to be called when it is there. It returns
   * what it delivers: what was sent first, in whatever order a process catches up.
   */
  send: (deliver: () => Uint8Array | undefined, bytes: Uint8Array) => void;
  /** Where to split a piece in two; 0 if it arrives as it is. */
  splitAt: (bytes: Uint8Array) => number;
}

type Chunk = Uint8Array<ArrayBuffer>;
type Item = Chunk | "end" | { readonly error: unknown };

/**
 * A body on its way. What has been written when its message arrives comes in one piece, which is all
 * of it for most; the rest piece by piece.
 */
export class BodyPipe {
  #options: BodyPipeOptions;
  #reader: ReadableStreamDefaultReader<Chunk> | undefined;
  /** What was written and not sent. */
  #written: Item[] = [];
  /** What has arrived and was not read: a process that catches up reads it in its order. */
  #arrived: Item[] = [];
  #isOpen = false;
  #isCut = false;
  #isOver = false;
  #controller: ReadableStreamDefaultController<Chunk> | undefined;
  #onEnd: ((isOver: boolean) => void) | undefined;

  constructor(body: ReadableStream<Chunk> | Chunk | null, options: BodyPipeOptions) {
    this.#options = options;
    if (body instanceof Uint8Array) this.#written.push(body, "end");
    else {
      this.#reader = body?.getReader();
      this.#pump();
    }
  }

  /** Lets it break off half-way. */
  cut(): void {
    this.#isCut = true;
  }

  /**
   * The body at the other end, in one piece if all of it is there.
   *
   * @param onEnd Told when there is nothing more to come, `true`, or its reader has left.
   */
  open(onEnd: (isOver: boolean) => void = () => {}): Chunk | ReadableStream<Chunk> {
    this.#onEnd = onEnd;
    this.#isOpen = true;
    const written = this.#written;
    this.#written = [];
    if (written.at(-1) === "end" && !this.#isCut) {
      this.#end(true);
      return joined(written.filter((item) => item instanceof Uint8Array));
    }
    const stream = new ReadableStream<Chunk>({
      start: (controller): void => {
        this.#controller = controller;
      },
      cancel: () => this.#end(false),
    });
    for (const item of written) this.#take(item);
    return stream;
  }

  /** The reader has gone. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }

  /** The body ends in good order, whatever is still to come. */
  finish(): void {
    this.#isCut = false;
    this.#take("end");
  }

  /** The connection is gone, for the reader. */
  fail(error: unknown): void {
    this.#take({ error });
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const next = await this.#reader?.read();
        if (this.#options.isGone()) return;
        if (next === undefined || next.done) break;
        this.#write(next.value);
      }
      this.#write("end");
    } catch (error) {
      this.#write({ error });
    }
  }

  #write(item: Item): void {
    if (!this.#isOpen) return void this.#written.push(item);
    this.#arrived.push(item);
    const bytes = item instanceof Uint8Array ? item : new Uint8Array();
    this.#options.send(() => {
      const next = this.#arrived.shift();
      if (next !== undefined) this.#take(next);
      return next instanceof Uint8Array ? next : undefined;
    }, bytes);
  }

  #take(item: Item): void {
    const controller = this.#controller;
    if (this.#isOver || controller === undefined) return;
    if (item instanceof Uint8Array && !this.#isCut) {
      const at = this.#options.splitAt(item);
      if (at > 0) controller.enqueue(item.slice(0, at));
      return controller.enqueue(at > 0 ? item.slice(at) : item);
    }
    if (item === "end" && !this.#isCut) controller.close();
    else {
      if (item instanceof Uint8Array) controller.enqueue(item.slice(0, item.byteLength >> 1));
      controller.error(item instanceof Uint8Array || item === "end" ? reset() : item.error);
    }
    this.#end(true);
  }

  #end(isOver: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd?.(isOver);
  }
}

function reset(): TypeError {
  return new TypeError("connection reset");
}

function joined(chunks: readonly Chunk[]): Chunk {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
