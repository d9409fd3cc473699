import { serve, type Server } from "../../tests/runtime.ts";
import { pause } from "../peers/calls.ts";

/** A load requested by a process. */
export interface Load {
  key: string;
  /** The URL of the process. */
  by: string;
  /** The time, in Unix milliseconds. */
  atMs: number;
}

const DELAY_MS = 10;
const PADDING = "x".repeat(200);

/** The correct value of a key. */
export function valueOf(key: string): string {
  return `value of ${key} ${PADDING}`;
}

/** The origin of the values: a server that takes about 10 ms for each and records all loads. */
export class Origin implements AsyncDisposable {
  readonly loads: Load[] = [];
  #server: Server;

  constructor(hostname = "127.0.0.1") {
    this.#server = serve((request) => this.#answer(request), { hostname });
  }

  get url(): string {
    return this.#server.url;
  }

  /** The number of loads per key, among those from index `since` on. */
  loadsByKey(since = 0): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { key } of this.loads.slice(since)) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async #answer(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const key = searchParams.get("key") ?? "";
    this.loads.push({ key, by: searchParams.get("by") ?? "", atMs: Date.now() });
    await pause(DELAY_MS * (0.5 + Math.random()));
    return new Response(valueOf(key));
  }
}
