import { assert, assertEquals } from "@std/assert";
import { KeySampler } from "../../lib/group/key_sampler.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

/** Numbers from 0 to less than 1, the same each time. */
function randomOf(seed: number): () => number {
  return () => {
    seed = Math.imul(seed, 1664525) + 1013904223 | 0;
    return (seed >>> 8) / 2 ** 24;
  };
}

/** Asks for each key so many times a second, in turn, for some seconds. */
async function ask(
  sampler: KeySampler,
  clock: VirtualClock,
  rates: [string, number][],
  seconds: number,
): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    for (let step = 0; step < 100; step++) {
      for (const [key, rate] of rates) {
        for (let i = 0; i < rate / 100; i++) if (rate >= 100 || step === 0) sampler.count(key);
      }
    }
    await clock.advance(1000);
  }
}

test("KeySampler finds the hottest keys among many, with their rates within a fifth", async () => {
  const clock = new VirtualClock();
  const sampler = new KeySampler(() => clock.now(), randomOf(7));
  const cold = Array.from({ length: 1000 }, (_, i): [string, number] => [`cold ${i}`, 3]);
  await ask(sampler, clock, [["hottest", 7300], ["hot", 2100], ["warm", 700], ...cold], 4);
  const top = sampler.top(3);
  assertEquals(top.map(({ key }) => key), ["hottest", "hot", "warm"]);
  for (const [index, rate] of [7300, 2100, 700].entries()) {
    const found = top[index]?.perSecond ?? 0;
    assert(Math.abs(found - rate) < rate / 5, `${found} for ${rate}`);
  }
});

test("KeySampler forgets what was hot ten seconds ago", async () => {
  const clock = new VirtualClock();
  const sampler = new KeySampler(() => clock.now(), randomOf(7));
  await ask(sampler, clock, [["past", 3300]], 3);
  for (let i = 0; i < 3; i++) {
    await clock.advance(5000);
    sampler.top(1);
  }
  assertEquals(sampler.top(5), []);
});

test("KeySampler ends once nobody has asked for 30 seconds", async () => {
  const clock = new VirtualClock();
  const sampler = new KeySampler(() => clock.now(), randomOf(7));
  const outcomes = () => Array.from({ length: 5000 }, () => sampler.count("key"));
  assertEquals(outcomes().includes(false), false);
  await clock.advance(31_000);
  assertEquals(outcomes().includes(false), true);
});
