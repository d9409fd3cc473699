import { assertEquals } from "@std/assert";
import { mailgunRing } from "../../lib/placement/mailgun_ring.ts";
import { test } from "../runtime.ts";
import { conforms } from "./conformance.ts";

conforms("mailgunRing()", mailgunRing);

test("mailgunRing() names the dialect of its peers", () => {
  assertEquals(mailgunRing().dialect, "mailgun");
});
