import type { Clock } from "../timing/clock.ts";
import { GroupCacheError } from "../errors.ts";
import { CircuitBreaker } from "./circuit_breaker.ts";
import { FailureDetector } from "./failure_detector.ts";
import { PeerTraffic } from "./peer_traffic.ts";
import type { PeerState, PeerStats } from "../stats.ts";

/**
 * Whether a peer is worth asking. The code that talks to the peer reports here what it saw, and the
 * code that is about to ask it looks here first. Calls are not held back by it.
 */
export class PeerHealth {
  #url: string;
  #clock: Clock;
  #breaker: CircuitBreaker;
  #detector: FailureDetector;
  /** What the peer last said of itself. */
  #presence: "here" | "leaving" | "gone" = "here";
  #mayBeBack = false;
  #hasAnswered = false;
  /** When the state changed last, in Unix milliseconds. */
  #changedAtMs: number;
  #lastError: { message: string; atMs: number } | null = null;
  /** The gets sent to it. */
  readonly traffic: PeerTraffic;

  constructor({ url, clock, random, peerTimeoutMs, showsLife, ...rest }: PeerHealthOptions) {
    this.#url = url;
    this.#clock = clock;
    this.#changedAtMs = clock.now();
    this.traffic = new PeerTraffic(clock);
    this.#breaker = new CircuitBreaker({
      clock,
      random,
      probe: rest.probe,
      onOpen: (error) => {
        this.#changedAtMs = clock.now();
        rest.onDown(error);
      },
      onClose: () => {
        this.#changedAtMs = clock.now();
        rest.onUp();
      },
    });
    this.#detector = new FailureDetector(peerTimeoutMs);
    this.#detector.isSteady = !showsLife;
  }

  /** Whether the peer may be asked now. If it is given up, this may start a probe. */
  admits(): boolean {
    return this.#breaker.admits();
  }

  /** Whether the peer is given up: its circuit breaker is open. */
  get isOpen(): boolean {
    return this.#breaker.isOpen;
  }

  /** Whether the peer takes no new work, but still answers from memory. */
  get isLeaving(): boolean {
    return this.#presence === "leaving";
  }

  /** Whether the peer has left: it answers no one, so nothing that it holds matters. */
  get isGone(): boolean {
    return this.#presence === "gone";
  }

  /** Whether nobody asks the peer any more: it is leaving or has left, and nobody says that it is back. */
  get servesNobody(): boolean {
    return this.#presence !== "here" && !this.#mayBeBack;
  }

  /** Whether the peer was late with a peek, which takes it no time, and has been silent since. */
  get isLate(): boolean {
    return this.#detector.isLate;
  }

  /** How long the peer may be silent, in milliseconds. */
  get silenceLimitMs(): number {
    return this.#detector.limitMs;
  }

  /** Whether the peer has been silent for too long, to a request of `askedAtMs` and to all others. */
  isSilent(askedAtMs: number): boolean {
    return this.#detector.isSilent(askedAtMs, this.#clock.now());
  }

  /**
   * Records that the peer answered a request of `askedAtMs`.
   *
   * @param options `showsLife`: as in {@linkcode PeerHealthOptions}, now that it is known.
   */
  answered(askedAtMs: number, { showsLife }: { showsLife: boolean }): void {
    this.#breaker.succeeded();
    if (!this.#hasAnswered) {
      this.#hasAnswered = true;
      this.#changedAtMs = this.#clock.now();
    }
    this.#detector.isSteady = !showsLife;
    this.#detector.heard(askedAtMs, this.#clock.now());
  }

  /** Records a sign of life within a reply. */
  heard(): void {
    const nowMs = this.#clock.now();
    this.#detector.heard(nowMs, nowMs);
  }

  /** Records that a request of `askedAtMs` failed. A silent peer is given up at once. */
  failed(error: GroupCacheError, askedAtMs: number): void {
    this.#note(error);
    // Silence costs callers most, and if no other request was answered meanwhile it is the peer's.
    if (!this.isSilent(askedAtMs)) return this.#breaker.failed(error);
    if (!this.#breaker.isOpen) this.#detector.gaveUp();
    this.#breaker.open(error);
  }

  /** Records that the peer answered that its cache is closed. */
  closed(error: GroupCacheError): void {
    this.#note(error);
    this.#presence = "gone";
    this.#mayBeBack = false;
    this.#breaker.open(error);
  }

  /** Records that the peer did not answer a peek in time. */
  peekWasLate(): void {
    this.#detector.late(this.#clock.now());
  }

  /** Records that a peek failed: a peer that was leaving has left. */
  peekFailed(): void {
    if (this.isLeaving) this.#presence = "gone";
  }

  /** Records that somebody said in the peer's name that it has started anew. */
  mayBeBack(): void {
    this.#mayBeBack = this.#presence !== "here";
  }

  /**
   * Records that the peer said that it is here.
   *
   * @param options `isNew`: whether it has just started. Then it is used again at once; one that was
   * merely out of reach is left to a probe.
   */
  here({ isNew }: { isNew: boolean }): void {
    this.#presence = "here";
    if (isNew) this.#breaker.close();
  }

  /** Records that the peer said that it is leaving. */
  leaving(): void {
    if (!this.isLeaving) this.#changedAtMs = this.#clock.now();
    this.#presence = "leaving";
    this.#mayBeBack = false;
    this.#breaker.open(
      new GroupCacheError("peer-failed", `Cannot ask peer ${this.#url}: it is leaving`),
    );
  }

  /** Reports the state of the peer and the gets sent to it. */
  stats(): Omit<PeerStats, "url" | "mismatches"> {
    return {
      state: this.#state(),
      sinceMs: this.#changedAtMs,
      lastError: this.#lastError,
      ...this.traffic.stats(),
    };
  }

  #state(): PeerState {
    if (this.isLeaving) return "leaving";
    if (this.#breaker.isOpen) return "down";
    return this.#hasAnswered ? "up" : "unknown";
  }

  #note(error: GroupCacheError): void {
    this.#lastError = { message: error.message, atMs: this.#clock.now() };
  }
}

/** Options for {@linkcode PeerHealth}. */
export interface PeerHealthOptions {
  /** The peer's base URL, for error messages. */
  url: string;
  clock: Clock;
  /** The source of randomness, as `Math.random`. */
  random: () => number;
  /** The longest silence of a live peer, in milliseconds. */
  peerTimeoutMs: number;
  /** Whether the peer gives signs of life while it loads. Go peers give none. */
  showsLife: boolean;
  /** Finds out whether a peer that was given up can be asked again. It never rejects. */
  probe: () => Promise<boolean>;
  /** Called when the peer is given up. */
  onDown: (error: GroupCacheError) => void;
  /** Called when the peer is asked again. */
  onUp: () => void;
}
