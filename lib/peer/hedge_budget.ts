/** One second request for each 20 first ones: 5 %. */
const REQUESTS_PER_HEDGE = 20;
/** How many second requests may be saved up, for when a peer stalls and many calls wait. */
const MAX_SAVED = 20;

/**
 * Bounds second requests to 5 % of the first ones, so that they cannot bring down a cluster that is
 * slow because it is overloaded. A token bucket that is filled by requests instead of time, like the
 * retry budgets of gRPC and Finagle. It starts empty.
 */
export class HedgeBudget {
  #earned = 0;

  /** Records a first request. */
  earn(): void {
    if (this.#earned < MAX_SAVED * REQUESTS_PER_HEDGE) this.#earned++;
  }

  /** Spends the budget of one second request. Returns false if there is not enough. */
  spend(): boolean {
    if (this.#earned < REQUESTS_PER_HEDGE) return false;
    this.#earned -= REQUESTS_PER_HEDGE;
    return true;
  }
}
