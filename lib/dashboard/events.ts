import type { Clock } from "../timing/clock.ts";
import type { ClusterView, Point } from "./cluster_view.ts";
import type { Watch } from "./watch.ts";

/** The first event: the history that the page has missed. */
export interface PastEvent {
  points: readonly Point[];
  view: ClusterView | null;
  /** Whether the page may make changes. */
  actions: boolean;
}

/** When a browser that lost its stream reconnects, in milliseconds. */
const RETRY_MS = 1000;
/** A reader with this many unread moments has left or sleeps, and is cut off. It reconnects by itself. */
const MAX_WAITING = 20;
/** The interval of comments, in milliseconds: servers and proxies close idle connections. */
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
        // The high-water mark is 0, so unread moments count as negative.
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
