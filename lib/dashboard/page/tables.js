// Processes, groups, hot keys, and what they think of each other.

import { byId, element, setText, showRows } from "./dom.js";
import { count, duration, host, latency, percent, rate, size, time } from "./format.js";
import { inspect } from "./inspect.js";

/** @typedef {import("../cluster_view.ts").ClusterView} ClusterView */
/** @typedef {import("./dom.js").Cell} Cell */

/** With more of them a table of all pairs is no help. */
const MAX_PAIRED = 12;

const STATES = {
  up: "up",
  leaving: "leaving",
  closed: "closed",
  unreachable: "out of reach",
};

/** @param {ClusterView} view */
export function showTables(view) {
  showProblems(view);
  showProcesses(view);
  showGroups(view);
  showHotKeys(view);
  showOpinions(view);
}

/** @param {ClusterView} view */
function showProcesses(view) {
  const rows = view.processes.map((process) => {
    const isAway = process.state === "unreachable";
    const since = isAway
      ? process.heardAtMs === null
        ? "never heard"
        : `for ${duration(view.atMs - process.heardAtMs)}`
      : "";
    /** @type {(text: string) => string} */
    const unlessAway = (text) => isAway ? "–" : text;
    return {
      key: process.url,
      class: isAway ? "is-bad" : "",
      cells: [
        { text: host(process.url) + (process.isHere ? " (here)" : "") },
        {
          text: `${STATES[process.state]} ${since}`.trim(),
          state: process.state,
          title: process.error ?? "",
          class: isAway ? "is-bad" : "",
        },
        {
          text: process.startedAtMs === null || isAway
            ? "–"
            : duration(view.atMs - process.startedAtMs),
        },
        { text: unlessAway(rate(process.gets)) },
        { text: unlessAway(percent(process.localRatio)) },
        { text: unlessAway(latency(process.getP99Ms)) },
        { text: unlessAway(rate(process.loads)) },
        { text: unlessAway(rate(process.peerGets)) },
        { text: unlessAway(count(process.items)) },
        {
          text: unlessAway(percent(process.share)),
          share: process.share ?? 0,
          title: "share of all entries that belong here",
        },
        {
          text: unlessAway(size(process.bytes)),
          share: process.maxBytes > 0 ? process.bytes / process.maxBytes : 0,
          title: `memory, of ${size(process.maxBytes)}`,
        },
      ],
    };
  });
  showRows(byId("processes"), [
    { name: "Process" },
    { name: "State" },
    { name: "Age", class: "num" },
    { name: "Gets/s", class: "num" },
    { name: "From memory", class: "num" },
    { name: "p99", class: "num" },
    { name: "Loads/s", class: "num opt" },
    { name: "Asked by peers/s", class: "num opt" },
    { name: "Entries", class: "num" },
    { name: "Share", class: "num opt" },
    { name: "Memory", class: "num" },
  ], rows);
}

/** @param {ClusterView} view */
function showGroups(view) {
  const rows = view.groups.map((group) => ({
    key: group.name,
    cells: [
      { text: group.name, class: "keyname", title: group.name },
      { text: rate(group.gets) },
      { text: percent(group.loadFreeRatio) },
      { text: percent(group.localRatio) },
      { text: latency(group.getP50Ms) },
      { text: latency(group.getP99Ms) },
      { text: rate(group.loads) },
      { text: latency(group.loadP99Ms) },
      { text: rate(group.evictions) },
      { text: count(group.totals.gets), title: String(group.totals.gets) },
      { text: count(group.totals.loads), title: String(group.totals.loads) },
      {
        text: count(group.totals.loadErrors),
        class: group.totals.loadErrors > 0 ? "is-bad" : "",
      },
      { text: count(group.totals.refused), class: group.totals.refused > 0 ? "is-bad" : "" },
      { text: count(group.items) },
      {
        text: size(group.bytes),
        share: group.maxBytes > 0 ? group.bytes / group.maxBytes : 0,
        title: `memory, of ${size(group.maxBytes)}`,
      },
    ],
  }));
  showRows(byId("groups"), [
    { name: "Group" },
    { name: "Gets/s", class: "num" },
    { name: "Without load", class: "num" },
    { name: "From memory", class: "num opt" },
    { name: "p50", class: "num opt" },
    { name: "p99", class: "num" },
    { name: "Loads/s", class: "num" },
    { name: "Load p99", class: "num opt" },
    { name: "Evicted/s", class: "num opt" },
    { name: "Gets", class: "num opt" },
    { name: "Loads", class: "num opt" },
    { name: "Failed loads", class: "num" },
    { name: "Too large", class: "num opt" },
    { name: "Entries", class: "num" },
    { name: "Memory", class: "num" },
  ], rows);
}

/** @param {ClusterView} view */
function showHotKeys(view) {
  const most = Math.max(...view.hotKeys.map(({ perSecond }) => perSecond), 1e-9);
  const rows = view.hotKeys.map(({ group, key, perSecond, owner, mirrors }) => ({
    key: JSON.stringify([group, key]),
    cells: [
      { text: key, class: "keyname", title: key },
      { text: group },
      { text: `${rate(perSecond)}/s`, share: perSecond / most, title: "of the hottest" },
      { text: owner === null ? "–" : host(owner) },
      { text: count(mirrors) },
      { text: "Inspect", press: () => inspect(group, key) },
    ],
  }));
  byId("hot").hidden = rows.length === 0;
  byId("hot-none").hidden = rows.length > 0;
  showRows(
    byId("hot"),
    [
      { name: "Key" },
      { name: "Group" },
      { name: "Gets", class: "num" },
      { name: "Owner" },
      { name: "Mirrors", class: "num" },
      { name: "", class: "num" },
    ].map((column) => column.name === "" ? { ...column, name: "Where" } : column),
    rows,
  );
}

/** @param {ClusterView} view */
function showOpinions(view) {
  const urls = view.processes.map(({ url }) => url);
  byId("opinions-panel").hidden = urls.length < 2 || urls.length > MAX_PAIRED;
  if (byId("opinions-panel").hidden) return;
  const rows = view.processes.filter(({ state }) => state !== "unreachable").map((process) => ({
    key: process.url,
    cells: [
      { text: host(process.url) },
      ...urls.map((url) => opinionCell(process, url, view.atMs)),
    ],
  }));
  showRows(
    byId("opinions"),
    [{ name: "Process" }, ...urls.map((url) => ({ name: host(url) }))],
    rows,
  );
}

/**
 * @param {ClusterView["processes"][number]} process
 * @param {string} url
 * @param {number} nowMs
 * @returns {Cell}
 */
function opinionCell(process, url, nowMs) {
  if (process.url === url) return { text: "–" };
  const opinion = process.opinions.find((opinion) => opinion.url === url);
  if (opinion === undefined) return { text: "not in its list", state: "down", class: "is-bad" };
  const { state, sinceMs, p50Ms, p99Ms, calls, failures, lastError, mismatches } = opinion;
  const title = [
    `${state} for ${duration(nowMs - sinceMs)}, ${count(calls)} calls, ${count(failures)} failed`,
    lastError === null ? "" : `${time(lastError.atMs)}: ${lastError.message}`,
    ...mismatches,
  ].filter((line) => line !== "").join("\n");
  if (mismatches.length > 0) return { text: "disagrees", state: "down", class: "is-bad", title };
  const text = state === "up"
    ? p50Ms === null ? "up" : `${latency(p50Ms)} · ${latency(p99Ms)}`
    : state === "unknown"
    ? "not asked yet"
    : `${state} for ${duration(nowMs - sinceMs)}`;
  return { text, state, title, class: state === "down" ? "is-bad" : "" };
}

/** @param {ClusterView} view */
function showProblems({ problems, processes, atMs }) {
  const list = byId("problems");
  const away = processes.filter(({ state }) => state === "unreachable").map((process) => ({
    id: `away ${process.url}`,
    message: `${host(process.url)} is out of reach: ${process.error}`,
    note: process.heardAtMs === null ? "" : `last heard ${duration(atMs - process.heardAtMs)} ago`,
  }));
  const found = problems.map(({ cause, message, count: times, lastMs, urls }) => ({
    id: `${cause} ${message}`,
    message,
    note: `${cause} · ${duration(atMs - lastMs)} ago · ${count(times)}× · ${
      urls.length > 3 ? `${urls.length} processes` : urls.map(host).join(", ")
    }`,
  }));
  const shown = [...away, ...found];
  const known = new Map([...list.children].map((at) => [/** @type {any} */ (at).dataset.id, at]));
  const made = shown.map(({ id, message, note }) => {
    const at = /** @type {HTMLElement} */ (known.get(id) ?? element("li"));
    if (at.children.length === 0) {
      at.dataset["id"] = id;
      at.append(element("p"), element("small"));
    }
    setText(/** @type {Node} */ (at.firstElementChild), message);
    setText(/** @type {Node} */ (at.lastElementChild), note);
    return at;
  });
  if (made.length === 0) {
    const none = known.get("") ?? element("li", { class: "none", text: "None was found." });
    /** @type {any} */ (none).dataset.id = "";
    made.push(/** @type {HTMLElement} */ (none));
  }
  const isSame = made.length === list.children.length &&
    made.every((at, index) => at === list.children[index]);
  if (!isSame) list.replaceChildren(...made);
}
