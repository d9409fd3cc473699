import type { Fetch } from "../runtime.ts";
import { ByteBuffer } from "../wire/byte_buffer.ts";

/** How much of an error reply is read, in bytes. */
const MAX_ERROR_BYTES = 200;

/** The largest reply, or line of one, in bytes: a page of Kubernetes slices takes up to 25 MB. */
const MAX_JSON_BYTES = 64 << 20;

const LINE_BREAK = 10;

const decoder = new TextDecoder();

/** A request was answered with a status other than success. */
export class StatusError extends Error {
  /** The HTTP status. */
  readonly status: number;

  constructor(url: string, status: number, why: string) {
    super(`${new URL(url).pathname} replied with status ${status}: ${why}`);
    this.status = status;
  }
}

/**
 * Sends a request. Redirects are not followed, because the request may contain credentials.
 *
 * @throws {StatusError} If it is not answered with success.
 */
export async function request(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  if (response.ok) return response;
  const { status } = response;
  const isRedirect = status >= 300 && status < 400;
  const text = decoder.decode(await readBeginning(response, MAX_ERROR_BYTES)).trim();
  throw new StatusError(url, status, isRedirect ? "redirects are not followed" : text);
}

/**
 * Reads a body of JSON.
 *
 * @throws {RangeError} If it has more than 64 MiB.
 * @throws {SyntaxError} If it is not JSON.
 */
export async function readJson(response: Response): Promise<unknown> {
  const bytes = await readBeginning(response, MAX_JSON_BYTES + 1);
  if (bytes.byteLength > MAX_JSON_BYTES) throw tooLarge("reply");
  return JSON.parse(decoder.decode(bytes));
}

/**
 * Yields the JSON values of a body, one per line, as they arrive. Leaving the loop cancels the body.
 *
 * @throws {RangeError} If a line has more than 64 MiB.
 * @throws {SyntaxError} If a line is not JSON.
 */
export async function* jsonLines(response: Response): AsyncGenerator<unknown, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const line = new ByteBuffer();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      let start = 0;
      for (;;) {
        const end = next.value.indexOf(LINE_BREAK, start);
        line.push(next.value.subarray(start, end === -1 ? undefined : end));
        if (line.byteLength > MAX_JSON_BYTES) throw tooLarge("line");
        if (end === -1) break;
        yield* parse(line);
        start = end + 1;
      }
    }
    yield* parse(line);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Yields the value of a line, unless it is blank. */
function* parse(line: ByteBuffer): Generator<unknown, void> {
  const text = decoder.decode(line.take());
  if (text.trim() !== "") yield JSON.parse(text);
}

/** Reads a body, or at least its first `maxBytes`, and cancels the rest. */
async function readBeginning(
  response: Response,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new ByteBuffer();
  const reader = response.body?.getReader();
  if (reader === undefined) return bytes.take();
  try {
    while (bytes.byteLength < maxBytes) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  return bytes.take().subarray(0, maxBytes);
}

function tooLarge(what: string): RangeError {
  return new RangeError(`expected a ${what} of at most ${MAX_JSON_BYTES} bytes: received more`);
}

/** Removes trailing slashes. */
export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/** @throws {TypeError} Unless an option is an HTTP URL. */
export function checkHttpUrl(name: string, option: string, url: string): void {
  if (typeof url === "string" && URL.canParse(url) && /^https?:/.test(new URL(url).protocol)) {
    return;
  }
  throw new TypeError(
    `Cannot create ${name}: ${option} must be an HTTP URL: received ${JSON.stringify(url)}`,
  );
}
