import type { Fetch } from "../runtime.ts";

/** How much of a refusal is told, in characters. */
const MAX_TOLD = 200;

/** A system refused a request. */
export class StatusError extends Error {
  /** The HTTP status. */
  readonly status: number;

  constructor(url: string, status: number, body: string) {
    super(`${new URL(url).pathname} was answered with ${status}: ${body.slice(0, MAX_TOLD)}`);
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

/** A body of JSON values, one a line, as they come in. Whoever leaves the loop closes it. */
export async function* jsonLines(response: Response): AsyncGenerator<unknown, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      // What follows the last line break is half a line until the body ends.
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

/** A base URL without its trailing slashes. */
export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/** @throws {TypeError} Unless an option is a URL that can be fetched. */
export function checkHttpUrl(name: string, option: string, url: string): void {
  if (typeof url === "string" && URL.canParse(url) && /^https?:/.test(new URL(url).protocol)) {
    return;
  }
  throw new TypeError(
    `Cannot create ${name}: ${option} must be an HTTP URL: received ${JSON.stringify(url)}`,
  );
}
