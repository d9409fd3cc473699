// The form that asks all processes where they have a key.

import { byId, element, setText, showRows } from "./dom.js";
import { count, duration, host, size } from "./format.js";

/** @typedef {import("../../process_report.ts").InspectionReply} InspectionReply */

const form = /** @type {HTMLFormElement} */ (byId("inspect"));
const group = /** @type {HTMLSelectElement} */ (form.elements.namedItem("group"));
const key = /** @type {HTMLInputElement} */ (form.elements.namedItem("key"));
const note = byId("inspect-note");

export function listenToForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  byId("remove").addEventListener("click", () => {
    if (form.reportValidity()) confirmRemoval();
  });
}

/** @param {string[]} names */
export function showGroupNames(names) {
  if (names.join() === [...group.options].map(({ value }) => value).join()) return;
  const chosen = group.value;
  group.replaceChildren(...names.map((name) => element("option", { text: name })));
  if (names.includes(chosen)) group.value = chosen;
}

/**
 * @param {string} groupName
 * @param {string} keyName
 */
export function inspect(groupName, keyName) {
  group.value = groupName;
  key.value = keyName;
  form.scrollIntoView({ block: "center" });
  show();
}

async function show() {
  const query = new URLSearchParams({ group: group.value, key: key.value });
  try {
    const response = await fetch(`inspect?${query}`);
    if (!response.ok) throw new Error(await response.text());
    showReplies(await response.json());
  } catch (error) {
    setText(note, error instanceof Error ? error.message : String(error));
    byId("inspection").replaceChildren();
  }
}

/** @param {InspectionReply[]} replies */
function showReplies(replies) {
  const known = replies.filter(({ inspection }) => inspection !== null);
  const owners = new Set(known.map(({ inspection }) => inspection?.owner));
  const held = known.filter(({ inspection }) => inspection?.held !== null).length;
  setText(
    note,
    owners.size > 1
      ? `The processes disagree on its owner: ${
        [...owners].map((url) => host(url ?? "")).join(", ")
      }.`
      : `Held by ${held} of ${replies.length}.`,
  );
  showRows(
    byId("inspection"),
    [
      { name: "Process" },
      { name: "Held" },
      { name: "Value", class: "num" },
      { name: "Age at most", class: "num" },
      { name: "Time left", class: "num" },
      { name: "Uses", class: "num" },
      { name: "Under way" },
      { name: "Order, its owner first" },
    ],
    replies.map(({ url, inspection, error }) => ({
      key: url,
      cells: inspection === null
        ? [
          { text: host(url) },
          { text: error ?? "no such group", state: "unreachable", class: "is-bad" },
          ...[1, 2, 3, 4, 5, 6].map(() => ({ text: "" })),
        ]
        : [
          { text: host(url) },
          {
            text: inspection.held === null
              ? "no"
              : inspection.held === "main"
              ? "yes, as its owner"
              : "as a mirror",
            state: inspection.held === null ? "none" : "up",
          },
          { text: inspection.valueBytes === null ? "–" : size(inspection.valueBytes) },
          { text: typeof inspection.ageMs === "number" ? duration(inspection.ageMs) : "–" },
          {
            text: inspection.held === null
              ? "–"
              : inspection.leftMs === null
              ? "no end"
              : duration(inspection.leftMs),
          },
          {
            text: inspection.uses === null
              ? "–"
              : inspection.uses >= 3
              ? "3 or more"
              : count(inspection.uses),
          },
          { text: inspection.isLoading ? "yes" : "no" },
          { text: inspection.order.map(host).join(" → ") || "–", class: "long" },
        ],
    })),
  );
}

async function confirmRemoval() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  const [groupName, keyName] = [group.value, key.value];
  setText(
    byId("confirm-text"),
    `“${keyName}” of group “${groupName}” is removed in all processes. Whoever asks next loads it.`,
  );
  dialog.returnValue = "cancel";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "ok") return;
  const response = await fetch("actions/remove", {
    method: "POST",
    headers: { "content-type": "application/json", "groupcache-action": "remove" },
    body: JSON.stringify({ group: groupName, key: keyName }),
  });
  setText(note, response.ok ? "Removed." : await response.text());
  if (response.ok) await show();
}
