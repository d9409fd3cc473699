import { assert, assertEquals } from "@std/assert";
import { test } from "../runtime.ts";
import { stubChance } from "./chance_stubs.ts";
import { generate } from "./generate.ts";
import { tellStory } from "./report.ts";
import { run } from "./run.ts";
import { shrink, violationOf } from "./shrink.ts";
import { loadSubject, type Subject } from "./subject.ts";

/** The library, in which one process takes removals for those of another key. */
async function forgetfulSubject(): Promise<Subject> {
  const subject = await loadSubject();
  class ForgetfulCache extends subject.GroupCache {
    constructor(options: ConstructorParameters<Subject["GroupCache"]>[0]) {
      super(options);
      const serve = this.fetch;
      Object.defineProperty(this, "fetch", {
        value: (request: Request) => {
          const { method, url, headers } = request;
          const isForgotten = method === "DELETE" && url.startsWith("http://peer-1:8080");
          return serve(isForgotten ? new Request(`${url}0`, { method, headers }) : request);
        },
      });
    }
  }
  return { ...subject, GroupCache: ForgetfulCache };
}

test("Simulation finds a cache that forgets removals, and shrinks the run to what that takes", async () => {
  using _stubs = stubChance();
  const subject = await forgetfulSubject();
  const outcomes = await Promise.all(
    [1, 2, 3, 4, 5].map((seed) => run(generate(seed, "steady"), subject)),
  );
  const outcome = outcomes.find((outcome) => violationOf(outcome, "stale") !== undefined);
  if (outcome === undefined) throw new Error("no seed breaks the rule");
  const shrunk = await shrink(outcome.plan, { subject, rule: "stale", maxRuns: 80 });
  const { actions } = shrunk.plan;
  assert(
    actions.length <= 8,
    `${actions.length} actions are left of ${outcome.plan.actions.length}`,
  );
  const story = tellStory(shrunk, "stale");
  assert(story.includes('RULE     "stale" is broken'), story);

  // What is left of the plan is as good as a seed: it breaks again, in the same way.
  const again = await run(shrunk.plan, subject);
  assertEquals(again.trace.hash, shrunk.trace.hash);
});
