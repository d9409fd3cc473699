import { pause } from "../peers/calls.ts";

/**
 * Makes calls at a steady rate, whether or not the previous ones have been answered, and returns the
 * milliseconds that each takes, counted from when it was due. A caller that waited for its answers would
 * make no calls during a stall, and so underestimate the number of slow ones.
 */
export async function steadyLatencies(
  call: () => Promise<unknown>,
  ms: number,
  perSecond: number,
): Promise<number[]> {
  const taken: number[] = [];
  const calls: Promise<void>[] = [];
  const start = performance.now();
  while (performance.now() - start < ms) {
    while (calls.length < (performance.now() - start) * perSecond / 1000) {
      const begun = performance.now();
      calls.push(call().then(() => void taken.push(performance.now() - begun)));
    }
    await pause(1);
  }
  await Promise.all(calls);
  return taken;
}
