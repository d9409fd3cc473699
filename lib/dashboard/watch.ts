import type { ReportReply } from "../process_report.ts";
import type { Clock } from "../timing/clock.ts";
import { type ClusterView, ClusterViews, type Point } from "./cluster_view.ts";

/** Between two samples, with few processes ... */
const INTERVAL_MS = 1000;
/** ... and for each process, so that many of them are not asked more often than that pays. */
const INTERVAL_PER_PROCESS_MS = 25;
/** So many moments are remembered, a quarter of an hour with few processes. */
const MAX_POINTS = 900;
/** Without anybody who looks it goes on for so long: a page that is opened again finds its past. */
const LINGER_MS = 60_000;

/** What a {@linkcode Watch} needs. */
export interface WatchOptions {
  /** The base URL of this process. */
  self: string;
  clock: Clock;
  /** Asks all processes, this one included. It does not reject, and ends within a few seconds. */
  reports: () => Promise<ReportReply[]>;
}

/** What happens in the cluster, sampled for as long as somebody looks. */
export class Watch {
  #options: WatchOptions;
  #views: ClusterViews;
  #watchers = new Set<(view: ClusterView) => void>();
  #points: Point[] = [];
  #latest: ClusterView | undefined;
  #isRunning = false;
  #lastLookMs = -Infinity;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#views = new ClusterViews(options.self);
  }

  /** The moments of the past, the oldest first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /** The last moment, if there is one. */
  get latest(): ClusterView | undefined {
    return this.#latest;
  }

  /** How many look on. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Calls `onView` with each moment from now on. Returns what ends that. */
  watch(onView: (view: ClusterView) => void): () => void {
    this.#watchers.add(onView);
    this.#lastLookMs = this.#options.clock.now();
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#run(undefined);
    }
    return () => {
      this.#watchers.delete(onView);
      this.#lastLookMs = this.#options.clock.now();
    };
  }

  async #run(sampledAtMs: number | undefined): Promise<void> {
    const { clock } = this.#options;
    const startedAtMs = clock.now();
    let processes = 1;
    try {
      processes = await this.#sample(sampledAtMs);
    } catch {
      // Whoever looks sees that the numbers are old, and the next moment comes all the same.
    }
    const now = clock.now();
    if (this.#watchers.size === 0 && now - this.#lastLookMs >= LINGER_MS) {
      this.#isRunning = false;
      return;
    }
    const intervalMs = Math.max(INTERVAL_MS, processes * INTERVAL_PER_PROCESS_MS);
    const timer = clock.setTimeout(
      () => this.#run(now),
      Math.max(0, startedAtMs + intervalMs - now),
    );
    clock.unrefTimer?.(timer);
  }

  /** Tells of this moment. Returns how many processes there are. */
  async #sample(sampledAtMs: number | undefined): Promise<number> {
    const { clock, reports } = this.#options;
    const replies = await reports();
    const now = clock.now();
    const view = this.#views.next(replies, now, sampledAtMs === undefined ? 0 : now - sampledAtMs);
    this.#latest = view;
    this.#points.push(view.total);
    if (this.#points.length > MAX_POINTS) this.#points.shift();
    for (const onView of this.#watchers) onView(view);
    return replies.length;
  }
}
