import { assertEquals, assertThrows } from "@std/assert";
import { checkLimits } from "../../lib/http/peer_limits.ts";
import { GroupCache } from "../../mod.ts";
import { test } from "../runtime.ts";

test("checkLimits() fills in what is not given", () => {
  assertEquals(checkLimits({ maxKeys: 7 }), { ...checkLimits({}), maxKeys: 7 });
  assertEquals(checkLimits({ maxKeys: undefined as unknown as number }), checkLimits({}));
});

for (const value of [0, -1, 1.5, NaN, "10", null]) {
  test(`GroupCache refuses a limit of ${JSON.stringify(value)}, and says which`, () => {
    assertThrows(
      () => new GroupCache({ limits: { maxFetches: value as number } }),
      RangeError,
      "limits.maxFetches must be a positive integer: received",
    );
  });
}
