import type { Clock } from "../timing/clock.ts";
import type { ClusterView, Point } from "./cluster_view.ts";
import type { Watch } from "./watch.ts";

/** What the page gets first: what it would have seen, had it been there. */
export interface PastEvent {
  points: readonly Point[];
  view: ClusterView | null;
  /** Whether the page may change anything. */
  actions: boolean;
}

/** A browser that has lost its stream tries again after this. */
const RETRY_MS = 1000;
/** A reader that lets so many moments wait has gone, or sleeps: it comes back by itself. */
const MAX_WAITING = 20;
/** Servers and proxies end connections on which nothing moves. */
const HEARTBEAT_MS = 5000;

/** A stream of server-sent events, one for each moment, until the reader leaves. */
export function eventStream(
  watch: Watch,
  { clock, actions }: { clock: Clock; actions: boolean },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let end = () => {};
  return new ReadableStream({
    start(controller): void {
      let heardAtMs = clock.now();
      let timer: unknown;
      const send = (text: string) => {
        // The high-water mark is 0: what waits counts below it.
        if ((controller.desiredSize ?? 0) < -MAX_WAITING) {
          end();
          controller.close();
          return;
        }
        heardAtMs = clock.now();
        controller.enqueue(encoder.encode(text));
      };
      const beat = () => {
        timer = clock.setTimeout(beat, HEARTBEAT_MS);
        clock.unrefTimer?.(timer);
        if (clock.now() - heardAtMs >= HEARTBEAT_MS) send(": still here\n\n");
      };
      const past: PastEvent = { points: watch.points, view: watch.latest ?? null, actions };
      send(`retry: ${RETRY_MS}\n\n${eventText("past", past)}`);
      const leave = watch.watch((view) => send(eventText("view", view)));
      beat();
      end = () => {
        leave();
        clock.clearTimeout(timer);
      };
    },
    cancel(): void {
      end();
    },
  }, { highWaterMark: 0 });
}

function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
