import { assertEquals } from "@std/assert";
import { Progress } from "../../../lib/http/server/progress.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { test } from "../../runtime.ts";

interface BodyCase {
  name: string;
  /** How many bytes pass at the beginning of each second. */
  seconds: number[];
  /** When it is ended, in seconds. */
  end: number | undefined;
}

const always = (bytes: number): number[] => Array<number>(120).fill(bytes);

const BODIES: BodyCase[] = [
  { name: "ends one that never begins", seconds: always(0), end: 10 },
  { name: "ends one that trickles", seconds: always(1000), end: 11 },
  { name: "lets one that goes on take its time", seconds: always(20_000), end: undefined },
  {
    name: "lets one that was quick stand still for no longer than another",
    seconds: [64 << 20, ...always(0)],
    end: 10,
  },
];

for (const { name, seconds, end } of BODIES) {
  test(`Progress ${name}`, async () => {
    const clock = new VirtualClock(0);
    let endedAtMs: number | undefined;
    const progress = new Progress(clock, () => endedAtMs = clock.now());
    for (const bytes of seconds) {
      if (progress.isOver) break;
      progress.passed(bytes);
      await clock.advance(1000);
    }
    assertEquals(endedAtMs === undefined ? undefined : Math.round(endedAtMs / 1000), end);
    progress.end();
    assertEquals(clock.pendingTimers, 0);
  });
}
