import { assertEquals } from "@std/assert";
import { spawn } from "../processes/child.ts";
import { test } from "../runtime.ts";

const expected: Record<string, string[]> = {
  "one_process": [
    "loading /about",
    '[ "<h1>/about</h1>", "<h1>/about</h1>", "<h1>/about</h1>" ]',
    "<h1>/about</h1>",
    "undefined",
  ],
  "three_groups": [
    "Hello, User 42!",
    "User 42",
    "32",
    "users: 2 gets, 1 hits, 1 loads",
    "digests: 1 gets, 0 hits, 1 loads",
    "greetings: 1 gets, 0 hits, 1 loads",
  ],
  "errors_and_timeouts": [
    "Article 1",
    'not-found: Cannot load "missing" of group "articles": there is no such value',
    "event: load of broken in articles failed with code load-failed",
    'load-failed: Cannot load "broken" of group "articles": the database is down',
    "event: load of stuck in articles failed with code timeout",
    'timeout: Cannot load "stuck" of group "articles": no result within 200 ms',
    "A placeholder article",
  ],
};

for (const [name, lines] of Object.entries(expected)) {
  test(`The example ${name} prints the expected output, and exits`, async () => {
    await using child = spawn(`examples/${name}.ts`);
    await child.exited;
    // Whether an event comes before or after what its callers get is not promised.
    for (const isEvent of [true, false]) {
      const ofKind = (line: string) => line.startsWith("event:") === isEvent;
      assertEquals(child.lines.filter(ofKind), lines.filter(ofKind));
    }
  });
}
