import { assert, assertEquals } from "@std/assert";
import { runtime, test } from "../runtime.ts";
import { watch } from "./watch.ts";

/** `deno task fuzz` runs a million, of another seed each time. */
const CASES = 8_000;
const SEEDS = [1, 2];

for (const seed of SEEDS) {
  test(`Nothing crashes, hangs or grows from ${CASES} cases of seed ${seed}`, async () => {
    const options = { runtime, seed, firstCase: 0, cases: CASES, minutes: 5 };
    const { failure, cases } = await watch(options);
    assertEquals(failure, undefined);
    assertEquals(cases, CASES);
  });
}

const FAULTS: { fault: string; failure: RegExp }[] = [
  { fault: "throws", failure: /^an error in faulty, case 25\d{3} of seed 1:\n.*it is broken/ },
  { fault: "rejects", failure: /^an error in faulty, .*it is broken/s },
  { fault: "rejects-aside", failure: /^an unhandled rejection in faulty, .*it is broken/s },
  { fault: "throws-later", failure: /^an uncaught error in faulty, .*it is broken/s },
  { fault: "spins", failure: /^the process hangs at or after case \d+ of seed 1$/ },
  { fault: "ends", failure: /^the process ended with 0 after case \d+ of seed 1/ },
  { fault: "crashes", failure: /^the process ended with \d+ after case \d+ of seed 1/ },
  { fault: "grows", failure: /^the process grew by \d+ MiB before case \d+ of seed 1$/ },
];

for (const { fault, failure: expected } of FAULTS) {
  test(`Fuzzing notices a target that ${fault.replace("-", " ")}`, async () => {
    const { failure = "nothing" } = await watch({
      targets: `./faulty_targets.ts?${fault}`,
      runtime,
      seed: 1,
      firstCase: 0,
      cases: 60_000,
      minutes: 1,
      // Only the one that spins waits for this: a loaded machine may be silent for seconds.
      silenceMs: fault === "spins" ? 3000 : 30_000,
    });
    assert(expected.test(failure), failure);
  });
}
