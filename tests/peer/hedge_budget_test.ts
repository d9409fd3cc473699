import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HedgeBudget } from "../../lib/peer/hedge_budget.ts";
import { test } from "../runtime.ts";

test("HedgeBudget allows one second request for each 20 first ones, and none before", () => {
  const budget = new HedgeBudget();
  assert(!budget.spend());
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 20; i++) {
      assert(!budget.spend());
      budget.earn();
    }
    assert(budget.spend());
  }
});

test("HedgeBudget saves up 20 second requests and no more", () => {
  const budget = new HedgeBudget();
  for (let i = 0; i < 10_000; i++) budget.earn();
  let spent = 0;
  while (budget.spend()) spent++;
  assertEquals(spent, 20);
});

test("HedgeBudget never allows more than 5 %, whatever comes when", () => {
  fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 2000 }), (isRequest) => {
    const budget = new HedgeBudget();
    let first = 0;
    let second = 0;
    for (const request of isRequest) {
      if (request) {
        budget.earn();
        first++;
      } else if (budget.spend()) second++;
      assert(second <= first * 0.05, `${second} of ${first}`);
    }
  }));
});
