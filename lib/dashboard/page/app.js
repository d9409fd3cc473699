// The page: follows the stream of events, shows each moment, and says when it has none.

import { Chart } from "./chart.js";
import { byId, setText } from "./dom.js";
import { count, duration, host, latency, percent, rate } from "./format.js";
import { listenToForm, showGroupNames } from "./inspect.js";
import { showTables } from "./tables.js";
import { showTiles } from "./tiles.js";

/** @typedef {import("../cluster_view.ts").ClusterView} ClusterView */
/** @typedef {import("../cluster_view.ts").Point} Point */

/** Without news for so long what is shown is old. */
const OLD_MS = 3000;
/** So many moments are kept. */
const MAX_POINTS = 900;
/** A stream that is silent for so long is dead, whatever the browser thinks. */
const DEAD_MS = 12_000;

/** @type {Point[]} */
let points = [];
/** @type {ClusterView | undefined} */
let view;
/** When the last moment came, by this browser's clock: the server's may differ. */
let heardAtMs = performance.now();
let isConnected = false;
/** @type {EventSource} */
let source;

const charts = [
  new Chart({
    title: "Gets per second, by source of the answer",
    format: (value) => rate(value ?? 0),
    isStacked: true,
    series: [
      { name: "main", label: "main cache", of: ({ answers }) => answers.main },
      { name: "mirror", label: "mirror", of: ({ answers }) => answers.mirror },
      { name: "peer", label: "peer", of: ({ answers }) => answers.peer },
      { name: "handoff", label: "previous owner", of: ({ answers }) => answers.handoff },
      { name: "load", label: "local load", of: ({ answers }) => answers.load },
      { name: "notFound", label: "not found", of: ({ answers }) => answers.notFound },
      { name: "error", label: "failed", of: ({ answers }) => answers.error + answers.aborted },
    ],
  }),
  new Chart({
    title: "Answered without a load",
    format: percent,
    max: 1,
    series: [
      { name: "free", label: "cluster", of: ({ loadFreeRatio }) => loadFreeRatio },
      { name: "main", label: "local memory", of: ({ localRatio }) => localRatio },
    ],
  }),
  new Chart({
    title: "Latency",
    format: latency,
    isLog: true,
    series: [
      { name: "p50", label: "gets p50", of: ({ getP50Ms }) => getP50Ms },
      { name: "p99", label: "gets p99", of: ({ getP99Ms }) => getP99Ms },
      { name: "peer", label: "peers p99", of: ({ peerP99Ms }) => peerP99Ms },
      { name: "load", label: "loads p99", of: ({ loadP99Ms }) => loadP99Ms },
    ],
  }),
  new Chart({
    title: "Loads, failures and evictions per second",
    format: (value) => rate(value ?? 0),
    series: [
      { name: "load", label: "loads", of: ({ loads }) => loads },
      { name: "error", label: "failed loads", of: ({ loadErrors }) => loadErrors },
      { name: "peer", label: "peer errors", of: ({ peerErrors }) => peerErrors },
      { name: "notFound", label: "evictions", of: ({ evictions }) => evictions },
    ],
  }),
];
for (const { figure } of charts) byId("charts").append(figure);

const range = /** @type {HTMLSelectElement} */ (byId("range"));
range.addEventListener("change", showCharts);
followTheme();
listenToForm();
connect();
setInterval(watchAge, 500);

function connect() {
  source = new EventSource("events");
  source.addEventListener("open", () => isConnected = true);
  source.addEventListener("error", () => {
    isConnected = false;
    watchAge();
    // A refusal, such as a proxy's while the process starts anew, ends it for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  });
  source.addEventListener("past", ({ data }) => {
    const past = JSON.parse(data);
    // A process that has just begun knows less than what this page has seen already.
    const known = new Set(past.points.map((/** @type {Point} */ { atMs }) => atMs));
    const start = past.points[0]?.atMs ?? Infinity;
    points = [...points.filter(({ atMs }) => atMs < start && !known.has(atMs)), ...past.points];
    document.body.toggleAttribute("data-actions", past.actions === true);
    byId("remove").hidden = past.actions !== true;
    if (past.view !== null) show(past.view);
  });
  source.addEventListener("view", ({ data }) => {
    const next = JSON.parse(data);
    if (next.total.atMs !== points.at(-1)?.atMs) points.push(next.total);
    if (points.length > MAX_POINTS) points.shift();
    show(next);
  });
}

/** @param {ClusterView} next */
function show(next) {
  view = next;
  heardAtMs = performance.now();
  const { processesUp, processes } = view.total;
  setText(
    byId("cluster"),
    `${processesUp} of ${count(processes)} ${processes === 1 ? "process" : "processes"} up · ` +
      `seen from ${host(view.self)}`,
  );
  document.title = `${processesUp < processes ? `${processes - processesUp} down · ` : ""}` +
    `${percent(view.total.loadFreeRatio)} · groupcache`;
  showTiles(view, points);
  showCharts();
  showTables(view);
  showGroupNames(view.groups.map(({ name }) => name));
  watchAge();
}

function showCharts() {
  for (const chart of charts) chart.show(points, Number(range.value) * 1000);
}

function watchAge() {
  const ageMs = performance.now() - heardAtMs;
  const isOld = ageMs > OLD_MS;
  const state = !isOld && isConnected
    ? "live"
    : view === undefined && !isOld
    ? "connecting"
    : isConnected
    ? "old"
    : "lost";
  const status = byId("status");
  if (status.dataset["state"] !== state) {
    status.dataset["state"] = state;
    const texts = {
      live: "Live",
      connecting: "Connecting",
      old: "No news",
      lost: "No connection",
    };
    setText(byId("status-text"), texts[state]);
    document.body.toggleAttribute("data-stale", state === "old" || state === "lost");
  }
  const isStale = state === "old" || state === "lost";
  setText(byId("status-age"), isStale ? `these numbers are ${duration(ageMs)} old` : "");
  if (ageMs > DEAD_MS && source.readyState === EventSource.OPEN) {
    heardAtMs = performance.now();
    source.close();
    isConnected = false;
    connect();
  }
}

function followTheme() {
  const select = /** @type {HTMLSelectElement} */ (byId("theme"));
  select.value = localStorage.getItem("groupcache-theme") ?? "auto";
  const apply = () => {
    if (select.value === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = select.value;
  };
  select.addEventListener("change", () => {
    localStorage.setItem("groupcache-theme", select.value);
    apply();
  });
  apply();
}
