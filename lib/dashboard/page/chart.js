// Curves over time, drawn as SVG. The legend tells the values, of now or of where the pointer is;
// arrow keys move that too.

import { element, setText } from "./dom.js";
import { time } from "./format.js";

/** @typedef {import("../cluster_view.ts").Point} Point */

/**
 * @typedef {object} Series
 * @property {string} name Also the class that says its colour: `s-` and the name.
 * @property {string} label
 * @property {(point: Point) => number | null} of
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {Series[]} series
 * @property {(value: number | null) => string} format
 * @property {boolean} [isStacked]
 * @property {boolean} [isLog]
 * @property {number} [max] Where the axis ends, if not where the values do.
 */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 150;
const LEFT = 52;
const RIGHT = 6;
const TOP = 8;
const BOTTOM = 20;
/** Where there was nothing for so long a curve is broken. */
const GAP_MS = 5000;

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function svg(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

export class Chart {
  /** @type {Point[]} */
  #points = [];
  #rangeMs = 300_000;
  /** What the pointer or the keys are at, as Unix milliseconds; null for now. */
  #atMs = /** @type {number | null} */ (null);
  #width = 400;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.options = options;
    this.figure = element("figure");
    const caption = this.figure.appendChild(element("figcaption"));
    const title = caption.appendChild(element("strong"));
    title.append(element("span", { text: options.title }));
    this.time = title.appendChild(element("time"));
    this.keys = options.series.map(({ name, label }) => {
      const key = caption.appendChild(element("span", { class: `key s-${name}` }));
      key.append(`${label} `);
      return key.appendChild(element("b"));
    });
    this.plot = this.figure.appendChild(svg("svg", {
      class: "chart",
      role: "img",
      tabindex: 0,
      height: HEIGHT,
    }));
    this.grid = this.plot.appendChild(svg("g"));
    this.curves = options.series.map(({ name }) =>
      this.plot.appendChild(
        svg("path", { class: `${options.isStacked ? "area" : "curve"} s-${name}` }),
      )
    );
    this.cross = this.plot.appendChild(
      svg("line", { class: "cross", y1: TOP, y2: HEIGHT - BOTTOM }),
    );
    this.plot.addEventListener("pointermove", (event) => {
      const box = this.plot.getBoundingClientRect();
      this.#moveTo(this.#timeAt(/** @type {PointerEvent} */ (event).clientX - box.left));
    });
    this.plot.addEventListener("pointerleave", () => this.#moveTo(null));
    this.plot.addEventListener("blur", () => this.#moveTo(null));
    this.plot.addEventListener("keydown", (event) => this.#onKey(/** @type {any} */ (event)));
    new ResizeObserver(([entry]) => {
      this.#width = Math.max(200, entry?.contentRect.width ?? 400);
      this.#draw();
    }).observe(this.plot);
  }

  /**
   * @param {Point[]} points
   * @param {number} rangeMs
   */
  show(points, rangeMs) {
    this.#points = points;
    this.#rangeMs = rangeMs;
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.#moveTo(null);
    if (step === undefined) return;
    event.preventDefault();
    const points = this.#shown();
    const at = this.#nearest(points);
    const next = points[Math.max(0, Math.min(points.length - 1, points.indexOf(at) + step))];
    this.#moveTo(next?.atMs ?? null);
  }

  /** @param {number | null} atMs */
  #moveTo(atMs) {
    this.#atMs = atMs;
    this.#tell(this.#shown());
  }

  #shown() {
    const end = this.#points.at(-1)?.atMs ?? 0;
    return this.#points.filter(({ atMs }) => atMs > end - this.#rangeMs);
  }

  /** @param {Point[]} points */
  #nearest(points) {
    const last = /** @type {Point} */ (points.at(-1));
    const atMs = this.#atMs;
    if (atMs === null) return last;
    return points.reduce(
      (best, point) => Math.abs(point.atMs - atMs) < Math.abs(best.atMs - atMs) ? point : best,
      last,
    );
  }

  /** @param {number} x */
  #timeAt(x) {
    const end = this.#points.at(-1)?.atMs ?? 0;
    return end - (1 - (x - LEFT) / (this.#width - LEFT - RIGHT)) * this.#rangeMs;
  }

  /** @param {number} atMs */
  #x(atMs) {
    const end = this.#points.at(-1)?.atMs ?? 0;
    return LEFT + (1 - (end - atMs) / this.#rangeMs) * (this.#width - LEFT - RIGHT);
  }

  #draw() {
    const points = this.#shown();
    if (points.length === 0) return;
    const { series, isStacked, isLog } = this.options;
    this.plot.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    // Each series as what is below and above it.
    const bases = points.map(() => 0);
    const layers = series.map(({ of }) =>
      points.map((point, index) => {
        const value = of(point);
        if (!isStacked) return { from: 0, to: value };
        const from = /** @type {number} */ (bases[index]);
        bases[index] = from + (value ?? 0);
        return { from, to: from + (value ?? 0) };
      })
    );
    const values = layers.flat().map(({ to }) => to).filter((to) => to !== null);
    const scale = isLog ? logScale(values) : linearScale(values, this.options.max);
    const y = (/** @type {number} */ value) =>
      TOP + (1 - scale.at(value)) * (HEIGHT - TOP - BOTTOM);
    for (const [index, layer] of layers.entries()) {
      const path = isStacked ? this.#area(points, layer, y) : this.#line(points, layer, y);
      this.curves[index]?.setAttribute("d", path);
    }
    this.#drawGrid(scale.ticks, y);
    this.#tell(points);
  }

  /**
   * @param {Point[]} points
   * @param {{ to: number | null }[]} layer
   * @param {(value: number) => number} y
   */
  #line(points, layer, y) {
    let path = "";
    let lastMs = -Infinity;
    for (const [index, point] of points.entries()) {
      const value = layer[index]?.to ?? null;
      if (value === null) continue;
      const isBroken = point.atMs - lastMs > GAP_MS;
      path += `${isBroken ? "M" : "L"}${this.#x(point.atMs).toFixed(1)} ${y(value).toFixed(1)}`;
      lastMs = point.atMs;
    }
    return path;
  }

  /**
   * @param {Point[]} points
   * @param {{ from: number, to: number | null }[]} layer
   * @param {(value: number) => number} y
   */
  #area(points, layer, y) {
    let path = "";
    for (let start = 0; start < points.length;) {
      let end = start + 1;
      while (
        end < points.length &&
        /** @type {Point} */ (points[end]).atMs - /** @type {Point} */ (points[end - 1]).atMs <=
          GAP_MS
      ) end++;
      const places = layer.slice(start, end).map(({ from, to }, index) => ({
        x: this.#x(/** @type {Point} */ (points[start + index]).atMs).toFixed(1),
        top: y(to ?? from).toFixed(1),
        bottom: y(from).toFixed(1),
      }));
      path += `M${places.map(({ x, top }) => `${x} ${top}`).join("L")}L` +
        `${places.reverse().map(({ x, bottom }) => `${x} ${bottom}`).join("L")}Z`;
      start = end;
    }
    return path;
  }

  /**
   * @param {number[]} ticks
   * @param {(value: number) => number} y
   */
  #drawGrid(ticks, y) {
    const made = [];
    for (const tick of ticks) {
      made.push(svg("line", {
        class: "grid",
        x1: LEFT,
        x2: this.#width - RIGHT,
        y1: y(tick),
        y2: y(tick),
      }));
      const label = svg("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" });
      label.textContent = this.options.format(tick);
      made.push(label);
    }
    const minutes = this.#rangeMs / 60_000;
    const isNarrow = this.#width < 420;
    const step = minutes > 5 ? 5 : minutes > 1 ? isNarrow ? 2.5 : 1 : isNarrow ? 0.5 : 0.25;
    for (let back = 0; back <= minutes; back += step) {
      const x = LEFT + (1 - back / minutes) * (this.#width - LEFT - RIGHT);
      const anchor = back === 0 ? "end" : back === minutes ? "start" : "middle";
      const label = svg("text", { x, y: HEIGHT - 4, "text-anchor": anchor });
      label.textContent = back === 0 ? "now" : back < 1 ? `−${back * 60} s` : `−${back} min`;
      made.push(label);
    }
    this.grid.replaceChildren(...made);
  }

  /** @param {Point[]} points */
  #tell(points) {
    if (points.length === 0) return;
    const { title, series, format } = this.options;
    const point = this.#nearest(points);
    const values = series.map(({ of }) => format(of(point)));
    for (const [index, value] of values.entries()) {
      const key = this.keys[index];
      if (key) setText(key, value);
    }
    setText(this.time, this.#atMs === null ? "" : time(point.atMs));
    const told = series.map(({ label }, index) => `${label} ${values[index]}`).join(", ");
    const when = this.#atMs === null ? "now" : `at ${time(point.atMs)}`;
    this.plot.setAttribute("aria-label", `${title}, ${when}: ${told}`);
    const x = this.#atMs === null ? -10 : this.#x(point.atMs);
    this.cross.setAttribute("x1", String(x));
    this.cross.setAttribute("x2", String(x));
    this.cross.setAttribute("visibility", this.#atMs === null ? "hidden" : "visible");
  }
}

/**
 * @param {number[]} values
 * @param {number} [max]
 */
function linearScale(values, max) {
  const highest = max ?? Math.max(...values, 0);
  const step = niceStep((highest || 1) / 3);
  const end = max ?? Math.max(step, Math.ceil(highest / step) * step);
  const ticks = [];
  for (let tick = 0; tick <= end * 1.001; tick += step) ticks.push(Number(tick.toPrecision(6)));
  return { at: (/** @type {number} */ value) => value / end, ticks };
}

/** @param {number[]} values */
function logScale(values) {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(...positive, 1))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 1))));
  const ticks = [];
  const step = high - low > 4 ? 2 : 1;
  for (let power = low; power <= high; power += step) ticks.push(10 ** power);
  const at = (/** @type {number} */ value) =>
    Math.max(0, (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low));
  return { at, ticks };
}

/** @param {number} least */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return (/** @type {number} */ ([1, 2, 5, 10].find((step) => step * power >= least))) * power;
}

/**
 * The shape of a curve without numbers, as the points of a polyline in a box of 100 by 28.
 *
 * @param {(number | null)[]} values
 */
export function sparkPoints(values) {
  const known = values.filter((value) => value !== null);
  const max = Math.max(...known, 1e-9);
  return values
    .map((value, index) =>
      value === null
        ? ""
        : `${(index / Math.max(1, values.length - 1) * 100).toFixed(1)},${
          (26 - value / max * 24).toFixed(1)
        }`
    )
    .filter((place) => place !== "")
    .join(" ");
}
