// Requests and replies that do what the library and the simulated network need of them, and no more:
// those of the runtimes take a third of the time of a simulation, for checks of what no peer ever sends.
// The streams are the runtime's own.

type Bytes = Uint8Array<ArrayBuffer>;
type Body = Bytes | ReadableStream<Bytes> | null;
type BodyInput = Body | string | undefined;
type HeadersInput = Readonly<Record<string, string>> | LightHeaders | undefined;

const encoder = new TextEncoder();
const NEVER = new AbortController().signal;

/** Has the library use these in place of the runtime's, until it is disposed of. */
export function useLightHttp(): Disposable {
  const { Headers, Request, Response } = globalThis;
  Object.assign(globalThis, {
    Headers: LightHeaders,
    Request: LightRequest,
    Response: LightResponse,
  });
  return {
    [Symbol.dispose](): void {
      Object.assign(globalThis, { Headers, Request, Response });
    },
  };
}

/** The body of a message that is not a stream; undefined if it is, or if there is none. */
export function bytesOf(message: Response | Request): Bytes | undefined {
  return message instanceof Message ? message.bytes : undefined;
}

class LightHeaders {
  readonly #values: Map<string, string>;

  constructor(init?: HeadersInput) {
    const entries = init instanceof LightHeaders ? init.#values : Object.entries(init ?? {});
    this.#values = new Map(entries);
  }

  get(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }
}

class Message {
  readonly headers: LightHeaders;
  #body: Body;
  #stream: ReadableStream<Bytes> | undefined;

  constructor(body: BodyInput, headers: HeadersInput) {
    this.headers = new LightHeaders(headers);
    // A copy: what it was made from may be used again at once.
    this.#body = typeof body === "string"
      ? encoder.encode(body)
      : body instanceof Uint8Array
      ? body.slice()
      : body ?? null;
  }

  get bytes(): Bytes | undefined {
    return this.#stream === undefined && this.#body instanceof Uint8Array ? this.#body : undefined;
  }

  get body(): ReadableStream<Bytes> | null {
    const body = this.#body;
    if (!(body instanceof Uint8Array)) return body;
    return this.#stream ??= new ReadableStream({
      start(controller): void {
        if (body.byteLength > 0) controller.enqueue(body);
        controller.close();
      },
    });
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const body = this.#body;
    if (body === null) return new ArrayBuffer(0);
    if (body instanceof Uint8Array) return body.slice().buffer;
    const chunks: Bytes[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return await new Blob(chunks).arrayBuffer();
  }
}

class LightRequest extends Message {
  readonly url: string;
  readonly method: string;
  /** Servers abort it when their client leaves; the library reads that from bodies. */
  readonly signal: AbortSignal = NEVER;

  constructor(
    url: string,
    { method = "GET", headers, body }: {
      method?: string;
      headers?: HeadersInput;
      body?: BodyInput;
    } = {},
  ) {
    super(body, headers);
    this.url = url;
    this.method = method;
  }
}

class LightResponse extends Message {
  readonly status: number;

  constructor(
    body?: BodyInput,
    { status = 200, headers }: { status?: number; headers?: HeadersInput } = {},
  ) {
    super(body, headers);
    this.status = status;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }
}
