import { serve, type Server } from "../../tests/runtime.ts";
import { pause } from "../peers/calls.ts";

/** A load that a process asked for. */
export interface Load {
  key: string;
  /** The URL of the process. */
  by: string;
  /** When, in Unix milliseconds. */
  atMs: number;
}

const DELAY_MS = 10;
const PADDING = "x".repeat(200);

/** What the value of a key must be. */
export function valueOf(key: string): string {
  return `value of ${key} ${PADDING}`;
}

/** Where values come from, on a server that takes about 10 ms for one and keeps a list of all. */
export class Origin implements AsyncDisposable {
  readonly loads: Load[] = [];
  #server: Server;

  constructor(hostname = "127.0.0.1") {
    this.#server = serve((request) => this.#answer(request), { hostname });
  }

  get url(): string {
    return this.#server.url;
  }

  /** How many loads there were for each key, of those since a number of loads ago. */
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
