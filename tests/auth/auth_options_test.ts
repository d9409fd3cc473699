import { assert, assertThrows } from "@std/assert";
import { type AuthOptions, checkAuthOptions } from "../../lib/auth/auth_options.ts";
import { test } from "../runtime.ts";

const SECRET = "a secret of 32 bytes, or somewhat";

const WRONG: { name: string; auth: unknown; message: RegExp }[] = [
  { name: "null", auth: null, message: /^Cannot create GroupCache: auth must be an object/ },
  { name: "no secrets", auth: {}, message: /expected an array of strings$/ },
  { name: "an empty list", auth: { secrets: [] }, message: /at least one secret/ },
  {
    name: "a text for a list",
    auth: { secrets: SECRET },
    message: /expected an array of strings$/,
  },
  { name: "a short secret", auth: { secrets: [SECRET, "short"] }, message: /received one of 5$/ },
  {
    name: "an unknown mode",
    auth: { secrets: [SECRET], mode: "maybe" },
    message: /auth\.mode must be "send" or "require": received "maybe"$/,
  },
];

for (const { name, auth, message } of WRONG) {
  test(`checkAuthOptions() refuses ${name}`, () => {
    const error = assertThrows(() => checkAuthOptions(auth as AuthOptions), Error);
    assert(message.test(error.message), error.message);
    assert(!error.message.includes(SECRET), "A message holds a secret");
  });
}
