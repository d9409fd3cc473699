import { assert, assertEquals } from "@std/assert";
import { KeyRates } from "../../lib/group/key_rates.ts";
import { test } from "../runtime.ts";

const START = 1_700_000_000_000;

test("KeyRates converges to the rate of a steady key", () => {
  const rates = new KeyRates(START);
  let rate = 0;
  for (let ms = 0; ms < 120_000; ms += 100) rate = rates.count("key", START + ms);
  assert(Math.abs(rate - 600) < 30, `600 a minute: estimated ${rate}`);
});

test("KeyRates notices within two seconds that a key has become hot", () => {
  const rates = new KeyRates(START);
  let rate = 0;
  for (let ms = 0; ms < 2000; ms += 10) rate = rates.count("key", START + ms);
  assert(rate > 600, `6,000 a minute, for two seconds: estimated ${rate}`);
});

test("KeyRates halves a rate in ten seconds, and forgets it in the end", () => {
  const rates = new KeyRates(START);
  let rate = 0;
  for (let i = 0; i < 1000; i++) rate = rates.count("key", START);
  const later = rates.count("key", START + 10_000);
  assert(Math.abs(later / rate - 0.5) < 0.01, `${later} of ${rate}`);
  const one = new KeyRates(START).count("other", START);
  for (const after of [3_600_000, 10 ** 12]) {
    assertEquals(Math.round(rates.count("key", START + after)), Math.round(one));
  }
});

test("KeyRates never underestimates a key, and hardly overestimates cold ones among many", () => {
  const rates = new KeyRates(START);
  const exact = new KeyRates(START);
  let coldest = Infinity;
  for (let i = 0; i < 20_000; i++) {
    const hot = rates.count("hot", START + i);
    assert(hot >= exact.count("hot", START + i) * 0.999);
    coldest = rates.count(`cold ${i}`, START + i);
  }
  assert(coldest < 60, `one use: estimated ${coldest} a minute`);
});

test("KeyRates survives a clock that is set back", () => {
  const rates = new KeyRates(START);
  const before = rates.count("key", START);
  const after = rates.count("key", START - 3_600_000);
  assert(after > before && Number.isFinite(after));
});

test("KeyRates cannot be made to take a key for hot by others that were chosen for it", () => {
  // With a hash that everybody can compute, these four share the victim's four counters.
  const chosen = ["k704", "k1082", "k2875", "k1643"];
  const rates = new KeyRates(START);
  for (let i = 0; i < 100; i++) for (const key of chosen) rates.count(key, START);
  const rate = rates.count("the victim", START);
  assert(rate < 60, `one use: estimated ${rate} a minute`);
});

test("KeyRates tells keys of any length apart, and by each of their characters", () => {
  for (const length of [1, 31, 32, 33, 64, 65, 1000]) {
    const key = "x".repeat(length);
    const rates = new KeyRates(START);
    for (let i = 0; i < 1000; i++) rates.count(key, START);
    for (const at of [0, length >> 1, length - 1]) {
      const other = `${key.slice(0, at)}y${key.slice(at + 1)}`;
      assert(rates.count(other, START) < 60, `${length} characters, another one at ${at}`);
    }
    assert(rates.count(`${key}x`, START) < 60, `${length} characters and one more`);
  }
});
