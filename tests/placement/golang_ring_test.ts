import { assertEquals } from "@std/assert";
import { golangRing } from "../../lib/placement/golang_ring.ts";
import { test } from "../runtime.ts";
import { conforms } from "./conformance.ts";

conforms("golangRing()", golangRing);

test("golangRing() names the dialect of its peers", () => {
  assertEquals(golangRing().dialect, "golang");
});
