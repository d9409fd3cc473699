/** A second request for each so many first ones: 5 %. */
const REQUESTS_PER_HEDGE = 20;
/** How many second requests may be saved up, for when a peer stands still and many calls wait. */
const MAX_SAVED = 20;

/**
 * Bounds second requests to 5 % of the first ones, so that they cannot bring down a cluster that is
 * slow because it has too much to do. A token bucket that is filled by requests instead of time,
 * as the budgets for retries of gRPC and Finagle are; it begins empty.
 */
export class HedgeBudget {
  #earned = 0;

  /** Takes note of a first request. */
  earn(): void {
    if (this.#earned < MAX_SAVED * REQUESTS_PER_HEDGE) this.#earned++;
  }

  /** Whether a second request may be sent, which is then taken as sent. */
  spend(): boolean {
    if (this.#earned < REQUESTS_PER_HEDGE) return false;
    this.#earned -= REQUESTS_PER_HEDGE;
    return true;
  }
}
