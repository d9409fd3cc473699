import { assert, assertEquals } from "@std/assert";
import type { ClusterView } from "../../lib/dashboard/cluster_view.ts";
import { eventStream } from "../../lib/dashboard/events.ts";
import { Watch } from "../../lib/dashboard/watch.ts";
import type { ReportReply } from "../../lib/process_report.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { type Group, type GroupCache, text } from "../../mod.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

function setUp(size = 3) {
  const cluster = new Cluster(size);
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      mirrorMinuteQps: Infinity,
      load: (key) => key,
    })
  ) as Group<string>[];
  const cache = cluster.caches[0] as GroupCache;
  const { clock } = cluster;
  const watch = new Watch({
    self: cluster.urls[0] as string,
    clock,
    reports: () => cache.reports(),
  });
  const views: ClusterView[] = [];
  return { cluster, clock, cache, groups, watch, views };
}

test("Watch tells of the whole cluster each second, in rates per second", async () => {
  const { clock, groups, watch, views } = setUp();
  watch.watch((view) => views.push(view));
  await clock.advance(1000);
  for (let second = 0; second < 6; second++) {
    for (const group of groups) for (let i = 0; i < 10; i++) await group.get(`key ${i}`);
    await clock.advance(1000);
  }
  const { total, groups: [view], processes } = views.at(-1) as ClusterView;
  assertEquals(Math.round(total.gets), 30);
  assertEquals([Math.round(view?.gets ?? 0), view?.totals.gets, view?.totals.loads], [30, 180, 10]);
  assertEquals(total.loadFreeRatio, 1, "the loads are more than five seconds ago");
  assertEquals(processes.map(({ state, isHere }) => [state, isHere]), [
    ["up", true],
    ["up", false],
    ["up", false],
  ]);
  assertEquals([total.processesUp, total.processes, total.items], [3, 3, 10]);
  assertEquals(Math.round(100 * processes.reduce((sum, { share }) => sum + (share ?? 0), 0)), 100);
});

test("Watch says that a process is out of reach, and when it was last heard", async () => {
  const { cluster, clock, watch, views } = setUp();
  watch.watch((view) => views.push(view));
  await clock.advance(3000);
  cluster.setFault(1, "refuse");
  await clock.advance(2000);
  const gone = views.at(-1)?.processes[1];
  assertEquals(gone?.state, "unreachable");
  assert((gone?.heardAtMs ?? 0) <= clock.now() - 1000);
  assertEquals(views.at(-1)?.total.processesUp, 2);
  cluster.setFault(1, undefined);
  await clock.advance(2000);
  assertEquals(views.at(-1)?.processes[1]?.state, "up");
});

test("Watch counts nothing twice when a process restarts", async () => {
  const { groups: [group], clock, cluster, cache } = setUp(1);
  let instance = "first";
  const views: ClusterView[] = [];
  const watch = new Watch({
    self: cluster.urls[0] as string,
    clock,
    reports: async () => {
      const [reply] = await cache.reports() as [ReportReply];
      if (reply.report) {
        reply.report = { ...reply.report, stats: { ...reply.report.stats, instance } };
      }
      return [reply];
    },
  });
  for (let i = 0; i < 1000; i++) await group?.get("key");
  watch.watch((view) => views.push(view));
  await clock.advance(2000);
  instance = "second";
  await clock.advance(2000);
  assertEquals(views.map(({ total }) => total.gets), views.map(() => 0));
  assertEquals(views.at(-1)?.groups[0]?.totals.gets, 1000);
});

test("Watch goes on for a minute without watchers, then ends, and starts again", async () => {
  const { clock, watch, views } = setUp();
  const leave = watch.watch((view) => views.push(view));
  await clock.advance(5000);
  leave();
  const seen = views.length;
  await clock.advance(30_000);
  assertEquals(views.length, seen);
  assert(watch.points.length >= 30, "the past of the time between is there");
  await clock.advance(60_000);
  const points = watch.points.length;
  await clock.advance(60_000);
  assertEquals(watch.points.length, points);
  watch.watch((view) => views.push(view));
  await clock.advance(2000);
  assert(views.length > seen);
});

test("Watch goes on when a view cannot be made", async () => {
  const clock = new VirtualClock();
  let calls = 0;
  const views: ClusterView[] = [];
  const watch = new Watch({
    self: "",
    clock,
    reports: () => calls++ === 1 ? Promise.reject(new Error("not now")) : Promise.resolve([]),
  });
  watch.watch((view) => views.push(view));
  await clock.advance(3000);
  assert(views.length >= 2, `${views.length}`);
});

test("eventStream() begins with the past, and ends with its reader", async () => {
  const { clock, watch } = setUp();
  watch.watch(() => {});
  await clock.advance(3000);
  const watchers = watch.watchers;
  const stream = eventStream(watch, { clock, actions: false });
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const first = decoder.decode((await reader.read()).value);
  const [, data = ""] = /event: past\ndata: (.*)\n\n/.exec(first) ?? [];
  const past = JSON.parse(data);
  assertEquals([past.points.length, past.actions], [watch.points.length, false]);
  assertEquals(watch.watchers, watchers + 1);
  await clock.advance(1000);
  assert(decoder.decode((await reader.read()).value).startsWith("event: view\n"));
  await reader.cancel();
  assertEquals(watch.watchers, watchers);
});

test("eventStream() ends a reader that takes nothing, so that nothing heaps up", async () => {
  const { clock, watch } = setUp(1);
  eventStream(watch, { clock, actions: false });
  assertEquals(watch.watchers, 1);
  await clock.advance(60_000);
  assertEquals(watch.watchers, 0);
});
