// The numbers one looks at first.

import { byId, element, setText } from "./dom.js";
import { sparkPoints } from "./chart.js";
import { count, latency, percent, rate, size } from "./format.js";

/** @typedef {import("../cluster_view.ts").ClusterView} ClusterView */
/** @typedef {import("../cluster_view.ts").Point} Point */

/** So many moments make the little curve. */
const SPARK_POINTS = 60;

/**
 * @typedef {object} Tile
 * @property {string} name
 * @property {string} series Says the colour of its curve.
 * @property {(view: ClusterView) => string} value
 * @property {(view: ClusterView) => string} note
 * @property {(view: ClusterView) => boolean} [isBad]
 * @property {(point: Point) => number | null} of
 */

/** @type {Tile[]} */
const TILES = [
  {
    name: "Answered without a load",
    series: "free",
    value: ({ total }) => percent(total.loadFreeRatio),
    note: ({ total }) => `${percent(total.localRatio)} from local memory`,
    of: ({ loadFreeRatio }) => loadFreeRatio,
  },
  {
    name: "Gets per second",
    series: "main",
    value: ({ total }) => rate(total.gets),
    note: ({ total }) => `${rate(total.peerGets)} between processes`,
    of: ({ gets }) => gets,
  },
  {
    name: "Get latency, p99",
    series: "p99",
    value: ({ total }) => latency(total.getP99Ms),
    note: ({ total }) => `p50 ${latency(total.getP50Ms)}`,
    of: ({ getP99Ms }) => getP99Ms,
  },
  {
    name: "Loads per second",
    series: "load",
    value: ({ total }) => rate(total.loads),
    note: ({ total }) => `p99 ${latency(total.loadP99Ms)}`,
    of: ({ loads }) => loads,
  },
  {
    name: "Failed gets per second",
    series: "error",
    value: ({ total }) => rate(total.answers.error),
    note: ({ total }) => `${rate(total.loadErrors)} loads, ${rate(total.peerErrors)} calls`,
    isBad: ({ total }) => total.answers.error > 0,
    of: ({ answers }) => answers.error,
  },
  {
    name: "Memory",
    series: "mirror",
    value: ({ total }) => size(total.bytes),
    note: ({ total }) =>
      total.maxBytes > 0
        ? `${percent(total.bytes / total.maxBytes)} of ${size(total.maxBytes)}`
        : "no group yet",
    of: ({ bytes }) => bytes,
  },
  {
    name: "Entries",
    series: "handoff",
    value: ({ total }) => count(total.items),
    note: ({ total }) => `${count(total.mirrors)} of them mirrors`,
    of: ({ items }) => items,
  },
];

/**
 * @param {ClusterView} view
 * @param {Point[]} points
 */
export function showTiles(view, points) {
  const list = byId("tiles");
  if (list.children.length === 0) { for (const tile of TILES) list.append(makeTile(tile)); }
  const latest = points.slice(-SPARK_POINTS);
  for (const [index, tile] of TILES.entries()) {
    const at = /** @type {HTMLElement} */ (list.children[index]);
    const value = /** @type {HTMLElement} */ (at.querySelector(".value"));
    setText(value, tile.value(view));
    value.classList.toggle("is-bad", tile.isBad?.(view) ?? false);
    setText(/** @type {HTMLElement} */ (at.querySelector(".note")), tile.note(view));
    at.querySelector("polyline")?.setAttribute("points", sparkPoints(latest.map(tile.of)));
  }
}

/** @param {Tile} tile */
function makeTile({ name, series }) {
  const at = element("div");
  at.append(
    element("dt", { text: name }),
    element("dd", { class: "value" }),
    element("dd", { class: "note" }),
  );
  const plot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  plot.setAttribute("viewBox", "0 0 100 28");
  plot.setAttribute("preserveAspectRatio", "none");
  plot.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("class", `spark s-${series}`);
  plot.append(line);
  const holder = at.appendChild(element("dd"));
  holder.append(plot);
  return at;
}
