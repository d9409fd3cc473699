/**
 * What differs between the runtimes for the library, found by looking, and nothing else.
 *
 * Bun ends a request that has written nothing for 10 seconds, unless the server that it passes to
 * `fetch` as second argument is told otherwise.
 */
export function keepOpen(request: Request, info: unknown): void {
  if (typeof info !== "object" || info === null || !("timeout" in info)) return;
  if (typeof info.timeout === "function") info.timeout(request, 0);
}
