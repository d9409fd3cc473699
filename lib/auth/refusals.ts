import { PeerUnauthorizedEvent, type UnauthorizedReason } from "../events.ts";
import type { Clock } from "../timing/clock.ts";

/** The minimum interval between reports of one kind, in milliseconds: any client can cause some. */
const REPORT_MS = 1000;

/** A request or reply without a valid proof. */
export interface Refusal {
  readonly reason: UnauthorizedReason;
  /** The base URL of the peer that was asked; undefined if this process was asked. */
  readonly peer?: string;
  /** Whether it was rejected, rather than only reported. */
  readonly isRefused: boolean;
  /** The underlying error, if any. */
  readonly error?: unknown;
}

/** Reports refusals, combining those of the same kind. */
export class Refusals {
  #clock: Clock;
  #report: (event: PeerUnauthorizedEvent) => void;
  #kinds = new Map<string, { count: number; reportedAtMs: number }>();

  constructor(clock: Clock, report: (event: PeerUnauthorizedEvent) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Records a refusal. */
  add(refusal: Refusal): void {
    const nowMs = this.#clock.now();
    const name = `${refusal.reason} ${refusal.isRefused} ${refusal.peer ?? ""}`;
    let kind = this.#kinds.get(name);
    if (kind === undefined) this.#kinds.set(name, kind = { count: 0, reportedAtMs: -Infinity });
    kind.count++;
    if (Math.abs(nowMs - kind.reportedAtMs) < REPORT_MS) return;
    const { count } = kind;
    kind.count = 0;
    kind.reportedAtMs = nowMs;
    this.#report(new PeerUnauthorizedEvent({ ...refusal, count }));
  }
}
