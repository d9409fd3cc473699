// deno-lint-ignore-file no-console
/**
 * Runs three processes of the thumbnails example under load and kills one of them. Reports each step,
 * checks the result, and exits with code 1 if a check fails.
 *
 *     deno task demo            three Deno processes
 *     bun run demo              three Bun processes
 *     deno task demo --mixed    processes of both
 *     deno task demo --stay     goes on with its traffic, and shows it on a page, until Ctrl+C
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Runtime, runtime, whyNot } from "../tests/runtime.ts";
import { Balancer } from "./demo/balancer.ts";
import { Cluster, type Node } from "./demo/cluster.ts";
import { Report } from "./demo/report.ts";
import { zipf } from "./demo/zipf.ts";
import { paintPictures } from "./thumbnails/paint.ts";

/** The demo takes about 10,000 ms and is stopped after this many. */
const DEADLINE_MS = 180_000;

const other: Runtime = runtime === "deno" ? "bun" : "deno";
const isMixed = process.argv.includes("--mixed");
const stays = process.argv.includes("--stay");
const why = isMixed ? whyNot(other) : undefined;
if (why !== undefined) {
  console.error(`Cannot mix runtimes: ${why}`);
  process.exit(1);
}

const cluster = new Cluster();
const folder = await mkdtemp(join(tmpdir(), "groupcache-demo-"));
const stopped = Promise.withResolvers<never>();
const stop = (why: string) => stopped.reject(new Error(`Stopped: ${why}`));
process.once("SIGINT", () => stop("interrupted"));
process.once("SIGTERM", () => stop("terminated"));
const deadline = setTimeout(() => stop(`not done within ${DEADLINE_MS} ms`), DEADLINE_MS);

let isFine = false;
const running = demo();
// Once stopped it fails, because its processes and its folder are removed below.
running.catch(() => {});
try {
  isFine = await Promise.race([running, stopped.promise]);
} catch (error) {
  console.error(error);
} finally {
  clearTimeout(deadline);
  await cluster[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(isFine ? 0 : 1);

/** Runs all parts. Returns whether every check passed. */
async function demo(): Promise<boolean> {
  const pictures = await paintPictures(folder, 60);
  console.log(`Painted ${pictures.length} pictures into ${folder}`);
  await cluster.start([runtime, isMixed ? other : runtime, runtime], folder);
  for (const { runtime, url, pid } of cluster.nodes) {
    console.log(`Started ${url}, ${runtime}, process ${pid}`);
  }

  const urls = cluster.nodes.map(({ url }) => url);
  const balancer = new Balancer(urls);
  const report = new Report(cluster, balancer);
  const pathOf = (picture: string, width = 160) => `/thumbnail?path=${picture}&width=${width}`;
  const [coldPicture = "", ...otherPictures] = pictures;

  await report.part("herd", "300 concurrent requests for one cold picture, 100 to each process");
  await Promise.all(
    Array.from(
      { length: 300 },
      (_, index) => balancer.request(pathOf(coldPicture), urls[index % 3]),
    ),
  );
  let renders = await report.end();
  report.check(renders.length === 1, `one render in the whole cluster: ${renders.length}`);

  await report.part(
    "Zipf",
    `4,000 requests, 32 at a time, for ${otherPictures.length} pictures by Zipf's law`,
  );
  const pick = zipf(otherPictures);
  const asked = new Set<string>();
  let left = 4000;
  await inParallel(32, async () => {
    while (left-- > 0) {
      const picture = pick();
      asked.add(picture);
      await balancer.request(pathOf(picture));
    }
  });
  renders = await report.end();
  report.check(
    renders.length === asked.size && new Set(renders).size === asked.size,
    `one render for each of the ${asked.size} pictures requested: ${renders.length}`,
  );

  const victim = cluster.nodes[1] as Node;
  await report.part("kill", `the same traffic, while ${victim.url} is killed and restarted`);
  let isOver = false;
  const traffic = inParallel(32, async () => {
    while (!isOver) await balancer.request(pathOf(pick()));
  });
  await balancer.answered(500);
  console.log(`   killing process ${victim.pid} (SIGKILL)`);
  await victim.kill();
  await balancer.answered(1000);
  console.log("   restarting it 1,000 requests later, with an empty cache");
  await victim.start();
  balancer.readmit(victim.url);
  // Its peers may take a moment to use it again.
  for (let round = 0; round < 20; round++) {
    await balancer.answered(500);
    if ((await victim.countsOfThisLife()).serverRequests > 0) break;
  }
  isOver = true;
  await traffic;
  const { serverRequests, localLoads } = await victim.countsOfThisLife();
  await report.end();
  console.log(
    `   ${balancer.retries} requests were retried at another process, as a load balancer does`,
  );
  report.check(
    serverRequests > 0 && localLoads > 0,
    `peers sent the new process ${serverRequests} requests, and it rendered ${localLoads} times`,
  );

  await report.part("again", "60 cold thumbnails, each requested from all three processes at once");
  const before = await victim.countsOfThisLife();
  const fresh = pictures.slice(0, 60).map((picture) => pathOf(picture, 80));
  for (let at = 0; at < fresh.length; at += 20) {
    await Promise.all(
      fresh.slice(at, at + 20).flatMap((path) => urls.map((url) => balancer.request(path, url))),
    );
  }
  renders = await report.end();
  const share = (await victim.countsOfThisLife()).localLoads - before.localLoads;
  report.check(
    renders.length === 60 && share > 0,
    `60 renders, some of them in the new process: ${renders.length}, ${share} of them there`,
  );

  report.print();
  if (stays) {
    clearTimeout(deadline);
    console.log(`\nThe page: ${urls[0]}/cache/ (Ctrl+C to end)`);
    await inParallel(8, async () => {
      for (;;) {
        await balancer.request(pathOf(pick(), Math.random() < 0.9 ? 160 : 320));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
  }
  return !report.failed;
}

/** Runs several workers at a time. */
async function inParallel(times: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: times }, work));
}
