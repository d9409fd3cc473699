import type { Clock } from "../../lib/timing/clock.ts";

/** An EndpointSlice, as far as it matters. */
export interface Slice {
  metadata: { name: string; resourceVersion?: string };
  addressType: string;
  endpoints: { addresses: string[]; conditions?: { ready?: boolean } }[] | null;
  ports: { name?: string; port?: number }[] | null;
}

const PATH = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/**
 * An API server that holds EndpointSlices of the service `cache`, as its documentation has it:
 * lists in pages, watches as streams of JSON with bookmarks, tokens, versions that are forgotten.
 */
export class FakeKubernetes {
  /** The query of each request. */
  readonly queries: URLSearchParams[] = [];
  /** The token that must be sent, if any. */
  token: string | undefined;
  /** How many slices one page holds. */
  page = 500;
  /** Whether a forgotten version is answered by status 410, or by an event in the stream. */
  isGoneByStatus = false;
  #clock: Clock;
  #slices = new Map<string, Slice>();
  #version = 100;
  #oldest = 0;
  #history: { version: number; line: string }[] = [];
  #watches = new Set<ReadableStreamDefaultController<Uint8Array>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(slice: Slice): void {
    const type = this.#slices.has(slice.metadata.name) ? "MODIFIED" : "ADDED";
    this.#slices.set(slice.metadata.name, slice);
    this.#happen(type, slice);
  }

  delete(name: string): void {
    const slice = this.#slices.get(name);
    if (slice === undefined) return;
    this.#slices.delete(name);
    this.#happen("DELETED", slice);
  }

  /** Tells all watches how far they are, after something that was none of their business. */
  bookmark(): void {
    this.#version += 10;
    const metadata = { resourceVersion: String(this.#version), creationTimestamp: null };
    this.#send(`${JSON.stringify({ type: "BOOKMARK", object: { metadata } })}\n`);
  }

  /** Forgets what happened so far. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  /** Ends all watches, as the server does when their time is over. */
  endWatches(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
  }

  /** Sends text to all watches, in two pieces. */
  #send(line: string): void {
    const bytes = new TextEncoder().encode(line);
    for (const watch of this.#watches) {
      watch.enqueue(bytes.slice(0, 7));
      watch.enqueue(bytes.slice(7));
    }
  }

  #happen(type: string, slice: Slice): void {
    const resourceVersion = String(++this.#version);
    const object = { ...slice, metadata: { ...slice.metadata, resourceVersion } };
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#history.push({ version: this.#version, line });
    this.#send(line);
  }

  readonly serve = (request: Request): Response => {
    const { pathname, searchParams } = new URL(request.url);
    this.queries.push(searchParams);
    const expected = this.token === undefined ? null : `Bearer ${this.token}`;
    if (request.headers.get("authorization") !== expected) return status(401, "Unauthorized");
    if (pathname !== PATH) return status(404, "the server could not find the requested resource");
    if (searchParams.get("labelSelector") !== "kubernetes.io/service-name=cache") {
      return status(403, "endpointslices.discovery.k8s.io is forbidden");
    }
    return searchParams.get("watch") === "true"
      ? this.#watch(Number(searchParams.get("resourceVersion")), searchParams)
      : this.#list(Number(searchParams.get("continue") ?? 0));
  };

  #list(from: number): Response {
    const items = [...this.#slices.values()];
    const rest = items.length - from - this.page;
    return Response.json({
      kind: "EndpointSliceList",
      metadata: {
        resourceVersion: String(this.#version),
        ...(rest > 0 ? { continue: String(from + this.page), remainingItemCount: rest } : {}),
      },
      items: items.slice(from, from + this.page),
    });
  }

  #watch(from: number, query: URLSearchParams): Response {
    const isGone = from < this.#oldest;
    const message = `too old resource version: ${from} (${this.#oldest})`;
    if (isGone && this.isGoneByStatus) return status(410, message);
    let end = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const encoder = new TextEncoder();
        if (isGone) {
          const object = {
            kind: "Status",
            status: "Failure",
            reason: "Expired",
            code: 410,
            message,
          };
          controller.enqueue(encoder.encode(`${JSON.stringify({ type: "ERROR", object })}\n`));
          controller.close();
          return;
        }
        for (const { version, line } of this.#history) {
          if (version > from) controller.enqueue(encoder.encode(line));
        }
        this.#watches.add(controller);
        const timer = this.#clock.setTimeout(() => {
          if (this.#watches.delete(controller)) controller.close();
        }, Number(query.get("timeoutSeconds")) * 1000);
        end = () => {
          this.#watches.delete(controller);
          this.#clock.clearTimeout(timer);
        };
      },
      cancel: () => end(),
    });
    return new Response(body, { headers: { "content-type": "application/json" } });
  }
}

function status(code: number, message: string): Response {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", code, message };
  return Response.json(body, { status: code });
}
