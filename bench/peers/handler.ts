import { spawnSync } from "node:child_process";
import { median, round } from "../report.ts";
import { type Bar, inTurns, ratio } from "./bench.ts";
import { type Node, startBareServer, startCluster } from "./processes.ts";

const CALLERS = 64;
const ROUNDS = 5;
const SECONDS = 1;
const LIMIT = 0.8;

/** The handler under a load generator, beside a handler that has the same reply at hand. */
export const handler: Bar = async ({ runtime, others }) => {
  await using stack = new AsyncDisposableStack();
  const [owner, caller] = await startCluster(runtime, 2, stack) as [Node, Node];
  const bare = stack.use(await startBareServer(runtime));
  const generate = others.wrk === undefined
    ? async (url: string) => {
      await caller.ask("bare", { target: url });
      const query = { subject: "bare", callers: CALLERS, ms: SECONDS * 1000 };
      return await caller.ask<number>("throughput", query);
    }
    : (url: string) => Promise.resolve(wrk(others.wrk as string, url));
  // Both know one key only: it was asked for once and is a hit from then on.
  const { ours = [], reply = [] } = await inTurns(ROUNDS, {
    ours: () => generate(`${owner.url}/_groupcache/plain/user:1`),
    reply: () => generate(`${bare.url}/reply`),
  });
  const times = ratio(ours, reply);
  return {
    bar: `The handler: GET of a hit under ${others.wrk === undefined ? "fetch" : "wrk"}`,
    limit: `at least ${LIMIT} times a bare handler that returns the same bytes`,
    rows: [
      { case: "bare handler", figures: { "requests/s": Math.round(median(reply)) } },
      {
        case: "ours",
        figures: {
          "requests/s": Math.round(median(ours)),
          "of the bare one": `${round(times)} times`,
        },
        isMet: times >= LIMIT,
      },
    ],
  };
};

/** Requests per second, of one thread. */
function wrk(program: string, url: string): number {
  const args = ["-t1", `-c${CALLERS}`, `-d${SECONDS}s`, url];
  const { stdout } = spawnSync(program, args, { encoding: "utf8" });
  if (/Non-2xx/.test(stdout)) throw new Error(`Cannot measure ${url}: ${stdout}`);
  return Number(stdout.match(/Requests\/sec:\s*([\d.]+)/)?.[1]);
}
