import type { Fetch } from "../runtime.ts";

/** How much of an error reply is quoted, in characters. */
const MAX_QUOTED = 200;

/** A request was answered with a status other than success. */
export class StatusError extends Error {
  /** The HTTP status. */
  readonly status: number;

  constructor(url: string, status: number, body: string) {
    super(`${new URL(url).pathname} replied with status ${status}: ${body.slice(0, MAX_QUOTED)}`);
    this.status = status;
  }
}

/**
 * Sends a request.
 *
 * @throws {StatusError} Unless it is answered with success.
 */
export async function request(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.ok) return response;
  throw new StatusError(url, response.status, (await response.text()).trim());
}

/** Yields the JSON values of a body, one per line, as they arrive. Leaving the loop cancels it. */
export async function* jsonLines(response: Response): AsyncGenerator<unknown, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      // Until the body ends, whatever follows the last line break is incomplete.
      rest = done ? "" : lines.pop() ?? "";
      for (const line of lines) {
        if (line.trim() !== "") yield JSON.parse(line);
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
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
