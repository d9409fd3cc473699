// What differs between the runtimes for the library, found by looking, and nothing else.

/**
 * Lets a request take its time. Bun ends one that has written nothing for 10 seconds, unless the
 * server that it passes to `fetch` as second argument is told otherwise.
 */
export function keepOpen(request: Request, info: unknown): void {
  if (typeof info !== "object" || info === null || !("timeout" in info)) return;
  if (typeof info.timeout === "function") info.timeout(request, 0);
}

/** Lets the process end although a timer of the runtime is still to come. */
export function unrefTimer(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    if (typeof timer.unref === "function") timer.unref();
    return;
  }
  // Before version 2.8 timers were numbers.
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  Deno?.unrefTimer?.(timer);
}
