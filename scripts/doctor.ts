// deno-lint-ignore-file no-console
/**
 * Asks the processes of a running cluster what they know of each other, and says what is wrong:
 *
 *     deno task doctor http://10.0.0.1:8080 http://10.0.0.2:8080
 *     deno task doctor --path /cache/ http://10.0.0.1:8080
 *
 * One URL is enough: the others are in its list. Ends with code 1 if anything is wrong.
 *
 * For a cluster with `auth`, the environment variable `GROUPCACHE_SECRETS` has its secrets, separated by
 * white space. URLs must then be as in the list of peers, because proofs name them.
 *
 * @module
 */

import process from "node:process";
import { Auth } from "../lib/auth/auth.ts";
import { Refusals } from "../lib/auth/refusals.ts";
import { compareReports } from "../lib/cluster_check.ts";
import { isReport } from "../lib/cluster_reports.ts";
import { messageOf } from "../lib/errors.ts";
import { ProvenFetch } from "../lib/http/client/proven_fetch.ts";
import { adviceFor, adviceForSilence } from "../lib/http/client/advice.ts";
import type { ReportReply } from "../lib/process_report.ts";
import { systemClock } from "../lib/timing/clock.ts";

/** So many times newly found processes are asked for theirs. */
const MAX_ROUNDS = 3;
const TIMEOUT_MS = 3000;

const args = process.argv.slice(2);
const at = args.indexOf("--path");
const basePath = at < 0 ? "/_groupcache/" : args.splice(at, 2)[1] ?? "";
const secrets = (process.env["GROUPCACHE_SECRETS"] ?? "").split(/\s+/).filter((each) =>
  each !== ""
);
const auth = secrets.length === 0 ? undefined : createAuth();
if (args.length === 0) {
  console.error("Cannot examine a cluster: expected the URL of one of its processes, or several");
  process.exit(2);
}

const replies = new Map<string, ReportReply>();
let urls = args.map((url) => url.replace(/\/$/, ""));
for (let round = 0; round < MAX_ROUNDS && urls.length > 0; round++) {
  for (const reply of await Promise.all(urls.map(ask))) replies.set(reply.url, reply);
  const listed = [...replies.values()].flatMap(({ report }) =>
    report?.stats.peers.map(({ url }) => url) ?? []
  );
  urls = [...new Set(listed)].filter((url) => !replies.has(url));
}

for (const { url, report, error } of replies.values()) {
  if (report === null) {
    console.log(`✗ ${url}: ${error}`);
    continue;
  }
  const { startedAtMs, nowMs, groups } = report.stats;
  const names = Object.keys(groups).join(", ") || "no group";
  console.log(`✓ ${url}: up for ${Math.round((nowMs - startedAtMs) / 1000)} s, ${names}`);
}
const { ok, findings } = compareReports([...replies.values()]);
console.log(ok ? "\nNothing wrong was found." : `\n${findings.length} findings:`);
for (const { level, cause, message } of findings) console.log(`  ${level} ${cause}: ${message}`);
process.exit(ok ? 0 : 1);

/** Asks as a peer does, but says no hello: it is none. */
async function ask(url: string): Promise<ReportReply> {
  try {
    const response = await send(url, `${basePath}_stats/`);
    const { status, headers } = response;
    const type = headers.get("content-type");
    const body = await response.text();
    if (status === 200 && type?.startsWith("application/json")) {
      const report: unknown = JSON.parse(body);
      if (isReport(report)) return { url, report, error: null };
    }
    const advice = status === 401 && auth === undefined
      ? "if the cluster has auth, set GROUPCACHE_SECRETS to its secrets; otherwise, " +
        adviceFor({ status, type, basePath })
      : adviceFor({ status, type, basePath });
    return { url, report: null, error: `received status ${status}${advice && `; ${advice}`}` };
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause ? `: ${messageOf(thrown.cause)}` : "";
    const why = messageOf(thrown) + cause;
    const advice = adviceForSilence(url, why);
    return { url, report: null, error: `${why}${advice && `; ${advice}`}` };
  }
}

function send(url: string, path: string): Promise<Response> {
  const request = {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  } as const;
  if (auth === undefined) return fetch(url + path, request);
  const proven = new ProvenFetch(url, {
    fetch,
    credentials: auth.credentialsFor(url),
    isRequired: true,
    // What is refused is told of each process.
    refusals: new Refusals(systemClock, () => {}),
  });
  return proven.send(path, request);
}

function createAuth(): Auth {
  try {
    return new Auth({
      auth: { secrets },
      clock: systemClock,
      instanceId: crypto.randomUUID(),
      origin: "http://doctor.invalid",
      isServing: () => false,
      newcomers: () => ({ awaitedFrom: () => [], introduced: () => {} }),
      onError: () => {},
    });
  } catch (error) {
    console.error(`Cannot use GROUPCACHE_SECRETS: ${messageOf(error)}`);
    process.exit(2);
  }
}
