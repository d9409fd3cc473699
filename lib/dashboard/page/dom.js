// Elements that are made once and changed only where they differ: so focus, selection and scroll
// positions stay while numbers change.

/**
 * @param {string} tag
 * @param {{ class?: string, text?: string }} [options]
 * @returns {HTMLElement}
 */
export function element(tag, options = {}) {
  const made = document.createElement(tag);
  if (options.class !== undefined) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  return made;
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * What a cell of a table shows.
 *
 * @typedef {object} Cell
 * @property {string} text
 * @property {string} [class]
 * @property {string} [state] Puts a dot before the text.
 * @property {number} [share] Puts a bar before the text: 0 to 1.
 * @property {string} [title]
 * @property {() => void} [press] Makes it a button.
 */

/**
 * Shows rows in a table, each by its key.
 *
 * @param {HTMLElement} table
 * @param {{ name: string, class?: string }[]} columns
 * @param {{ key: string, class?: string, cells: Cell[] }[]} rows The first cell names the row.
 */
export function showRows(table, columns, rows) {
  const names = JSON.stringify(columns);
  if (table.dataset["columns"] !== names) {
    table.dataset["columns"] = names;
    const head = element("thead");
    const row = head.appendChild(element("tr"));
    for (const { name, class: names = "" } of columns) {
      const cell = row.appendChild(element("th", { class: names, text: name }));
      cell.setAttribute("scope", "col");
    }
    table.replaceChildren(head, element("tbody"));
  }
  const body = /** @type {HTMLElement} */ (table.querySelector("tbody"));
  const known = new Map(
    [...body.children].map((row) => [/** @type {any} */ (row).dataset.key, row]),
  );
  /** @type {ChildNode | null} */
  let next = body.firstChild;
  for (const { key, class: names = "", cells } of rows) {
    const found = known.get(key);
    known.delete(key);
    const row = /** @type {HTMLElement} */ (found ?? element("tr"));
    row.dataset["key"] = key;
    if (row.className !== names) row.className = names;
    for (const [index, cell] of cells.entries()) {
      const at = row.children[index] ??
        row.appendChild(element(index === 0 ? "th" : "td"));
      if (index === 0) at.setAttribute("scope", "row");
      const column = columns[index]?.class ?? "";
      showCell(/** @type {HTMLElement} */ (at), cell, `${column} ${cell.class ?? ""}`.trim());
    }
    if (row === next) next = row.nextSibling;
    else body.insertBefore(row, next);
  }
  for (const row of known.values()) row.remove();
}

/**
 * @param {HTMLElement} at
 * @param {Cell} cell
 * @param {string} names
 */
function showCell(at, cell, names) {
  if (at.className !== names) at.className = names;
  if (at.title !== (cell.title ?? "")) at.title = cell.title ?? "";
  const kind = cell.press ? "button" : cell.share !== undefined ? "meter" : cell.state ? "dot" : "";
  if (at.dataset["kind"] !== kind) {
    at.dataset["kind"] = kind;
    const label = kind === "button" ? element("button") : element("span");
    at.replaceChildren(label);
    if (kind === "meter") at.prepend(element("meter"));
    if (kind === "dot") at.prepend(element("span", { class: "dot" }));
  }
  const first = /** @type {any} */ (at.firstElementChild);
  if (kind === "meter") {
    first.value = cell.share;
    first.setAttribute("aria-label", cell.title ?? "share");
  }
  if (kind === "dot") {
    first.dataset.state = cell.state;
    first.setAttribute("aria-hidden", "true");
  }
  if (kind === "button") first.onclick = cell.press;
  setText(/** @type {Node} */ (at.lastElementChild), cell.text);
}
