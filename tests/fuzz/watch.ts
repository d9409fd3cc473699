import { spawn } from "../processes/child.ts";
import type { Runtime } from "../runtime.ts";
import type { Finding, Progress } from "./report.ts";

/** Until then runtimes compile and size their heaps, in cases. */
const WARM_UP_CASES = 20_000;

/** How much a process may grow after that, in bytes. */
const MAX_GROWTH_BYTES = 192 << 20;

export interface WatchOptions {
  /** The module that exports `TARGETS`, beside this one. */
  readonly targets?: string;
  readonly runtime: Runtime;
  readonly seed: number;
  readonly firstCase: number;
  readonly cases: number;
  readonly minutes: number;
  /** A process that prints nothing for longer hangs, in milliseconds. */
  readonly silenceMs?: number;
}

export interface Outcome {
  /** What went wrong, if anything did. */
  readonly failure: string | undefined;
  readonly cases: number;
  readonly counts: Readonly<Record<string, number>>;
  /** The largest growth after the warm-up. */
  readonly growthBytes: number;
  readonly seconds: number;
}

/** Runs cases in a process of their own. Returns at the first finding, or when they are through. */
export async function watch(options: WatchOptions): Promise<Outcome> {
  const { targets = "./targets.ts", runtime, seed, firstCase, cases, minutes } = options;
  const { silenceMs = 30_000 } = options;
  const args = [targets, ...[seed, firstCase, cases, minutes].map(String)];
  const startedAt = performance.now();
  await using child = spawn("tests/fuzz/child.ts", { runtime, args });
  let last: Progress | undefined;
  let baseBytes: number | undefined;
  let growthBytes = 0;
  let failure: string | undefined;
  let lastLineAt = performance.now();
  let seen = 0;
  let hasExited = false;
  child.exited.then(() => hasExited = true);
  while (failure === undefined) {
    const lines = child.lines.slice(seen);
    seen += lines.length;
    if (lines.length > 0) lastLineAt = performance.now();
    for (const line of lines) {
      if (!line.startsWith("{")) continue;
      const message = JSON.parse(line) as Progress | Finding;
      if (message.kind === "finding") {
        failure = describe(message, seed);
        break;
      }
      last = message;
      if (message.current - firstCase < WARM_UP_CASES) continue;
      baseBytes ??= message.rssBytes;
      growthBytes = Math.max(growthBytes, message.rssBytes - baseBytes);
    }
    const next = last?.current ?? firstCase;
    if (failure !== undefined) break;
    if (growthBytes > MAX_GROWTH_BYTES) {
      failure = `the process grew by ${growthBytes >> 20} MiB before case ${next} of seed ${seed}`;
    } else if (performance.now() - lastLineAt > silenceMs) {
      failure = `the process hangs at or after case ${next} of seed ${seed}`;
    } else if (hasExited) {
      const code = await child.exited;
      if (last?.isDone === true) break;
      failure = `the process ended with ${code} after case ${next} of seed ${seed}:\n` +
        child.lines.slice(-20).join("\n");
    } else await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    failure,
    cases: (last?.current ?? firstCase) - firstCase,
    counts: last?.counts ?? {},
    growthBytes,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

function describe({ what, target, current, stack }: Finding, seed: number): string {
  return `${what} in ${target}, case ${current} of seed ${seed}:\n${stack}`;
}
