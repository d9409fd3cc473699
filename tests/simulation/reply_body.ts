/** How a {@linkcode ReplyBody} is made. */
export interface ReplyBodyOptions {
  /** Whether the process that sends has died. */
  isGone: () => boolean;
  /** Sends something to the client, behind what was sent before. */
  send: (deliver: () => void) => void;
}

type Item = Uint8Array<ArrayBuffer> | "end" | { readonly error: unknown };

/**
 * The body of a reply on its way. What has been written when the reply arrives comes in one piece,
 * with its length if that is all, as servers send it; the rest piece by piece.
 */
export class ReplyBody {
  #response: Response;
  #options: ReplyBodyOptions;
  #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  /** What was written and not sent. */
  #written: Item[] = [];
  #isOpen = false;
  #isCut = false;
  #isOver = false;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #onEnd: ((isOver: boolean) => void) | undefined;

  constructor(response: Response, options: ReplyBodyOptions) {
    this.#response = response;
    this.#options = options;
    this.#reader = response.body?.getReader();
    this.#pump();
  }

  /** Lets it break off half-way. */
  cut(): void {
    this.#isCut = true;
  }

  /**
   * The reply as the client gets it.
   *
   * @param onEnd Told when there is nothing more to come, `true`, or the client has left.
   */
  open(onEnd: (isOver: boolean) => void): Response {
    this.#onEnd = onEnd;
    this.#isOpen = true;
    const { status } = this.#response;
    const headers = new Headers(this.#response.headers);
    if (this.#written.at(-1) === "end" && !this.#isCut) {
      const bytes = joined(this.#written as Uint8Array<ArrayBuffer>[]);
      headers.set("content-length", String(bytes.byteLength));
      this.#end(true);
      return new Response(bytes, { status, headers });
    }
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller): void => {
        this.#controller = controller;
      },
      cancel: () => this.#end(false),
    });
    const written = this.#written;
    this.#written = [];
    for (const item of written) this.#take(item);
    return new Response(stream, { status, headers });
  }

  /** The client has gone. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }

  /** The connection is gone, for the client. */
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
    if (this.#isOpen) this.#options.send(() => this.#take(item));
    else this.#written.push(item);
  }

  #take(item: Item): void {
    const controller = this.#controller;
    if (this.#isOver || controller === undefined) return;
    if (item instanceof Uint8Array && !this.#isCut) return controller.enqueue(item);
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

function joined(items: readonly (Uint8Array<ArrayBuffer> | "end")[]): Uint8Array<ArrayBuffer> {
  const chunks = items.filter((item) => item !== "end");
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
