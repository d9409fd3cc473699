import type { ReportReply } from "../process_report.ts";
import type { Clock } from "../timing/clock.ts";
import { type ClusterView, ClusterViews, type Point } from "./cluster_view.ts";

/** The interval of samples with few processes, in milliseconds ... */
const INTERVAL_MS = 1000;
/** ... and per process, in milliseconds, so that large clusters are sampled less often. */
const INTERVAL_PER_PROCESS_MS = 25;
/** The number of moments remembered: a quarter of an hour with few processes. */
const MAX_POINTS = 900;
/** How long sampling continues without readers, so that a reopened page finds its history. */
const LINGER_MS = 60_000;

/** Samples the cluster for as long as there are readers. */
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

  /** The past moments, the oldest first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /** The last moment, if there is one. */
  get latest(): ClusterView | undefined {
    return this.#latest;
  }

  /** The number of readers. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Calls `onView` with each moment from now on. Returns a function that ends this. */
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
      // Readers see that the numbers are old, and the next moment follows as usual.
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

  /** Publishes the current moment. Returns the number of processes. */
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

/** Options for {@linkcode Watch}. */
export interface WatchOptions {
  /** The base URL of this process. */
  self: string;
  clock: Clock;
  /** Asks all processes, including this one. Never rejects, and takes at most a few seconds. */
  reports: () => Promise<ReportReply[]>;
}
