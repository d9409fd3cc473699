import { assertEquals, assertThrows } from "@std/assert";
import { checkLimits } from "../../lib/http/peer_limits.ts";
import { GroupCache } from "../../mod.ts";
import { test } from "../runtime.ts";

test("checkLimits() fills in what is not given", () => {
  assertEquals(checkLimits({ maxKeys: 7 }), { ...checkLimits({}), maxKeys: 7 });
  assertEquals(checkLimits({ maxKeys: undefined as unknown as number }), checkLimits({}));
});

test("GroupCache refuses limits beyond what peers take", () => {
  for (const [name, most] of [["maxKeys", 10_000], ["maxKeyBytes", 8 << 20]] as const) {
    assertEquals(checkLimits({ [name]: most })[name], most);
    assertThrows(
      () => new GroupCache({ limits: { [name]: most + 1 } }),
      RangeError,
      `limits.${name} must be a positive integer up to ${most}: received ${most + 1}`,
    );
  }
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
