// SPDX-License-Identifier: BSD-2-Clause
// The table of a result: its first rows, sortable by column, and honest about how many there are.

import { $, announce, make, setShown } from "./dom.js";
import { formatCell, formatCount, isNumeric, spoken } from "./format.js";

const DIRECTIONS = { none: "ascending", ascending: "descending", descending: "none" };
const LONG_TEXT = 50;
const TITLE_MAX = 1000;
const collator = new Intl.Collator(navigator.languages, { numeric: true, sensitivity: "base" });

function compare(a, b, column) {
  const isEmptyA = a === null || a === undefined;
  const isEmptyB = b === null || b === undefined;

  if (isEmptyA || isEmptyB) return 0; // dealt with before
  const numberA = typeof a === "number" || isNumeric(column.type) ? Number(a) : NaN;
  const numberB = typeof b === "number" || isNumeric(column.type) ? Number(b) : NaN;
  if (!Number.isNaN(numberA) && !Number.isNaN(numberB)) return numberA - numberB;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  // Dates are written so that they sort as texts.
  return collator.compare(String(a), String(b));
}

// What is empty comes last, whichever way.
function sorted(rows, index, column, direction) {
  if (direction === "none") return rows;
  const sign = direction === "ascending" ? 1 : -1;
  const full = rows.filter((row) => row[index] !== null && row[index] !== undefined);
  const empty = rows.filter((row) => row[index] === null || row[index] === undefined);
  return [...full.sort((a, b) => sign * compare(a[index], b[index], column)), ...empty];
}

function kindOf(column) {
  return isNumeric(column.type) ? "numeric" : "words";
}

// Long texts are cut by the style sheet; pointing at them shows more.
function makeCell(tag, value, column) {
  const text = formatCell(value, column);
  const cell = make(tag, { class: kindOf(column) }, text);
  if (text.length > LONG_TEXT) cell.title = text.slice(0, TITLE_MAX);
  return cell;
}

function makeCells(tag, values, columns) {
  return values.map((value, index) => makeCell(tag, value, columns[index]));
}

function makeHead(columns, onSort) {
  const cells = columns.map((column, index) => {
    const button = make("button", { type: "button", class: "sort" }, column.title || column.name,
      make("span", { class: "sort-mark", "aria-hidden": "true" }));
    const cell = make("th", { scope: "col", class: kindOf(column), "aria-sort": "none" }, button);
    button.addEventListener("click", () => onSort(cell, index));
    return cell;
  });
  return make("thead", {}, make("tr", {}, ...cells));
}

function makeFoot(preview) {
  const { totals, columns } = preview;
  const hasTotals = Array.isArray(totals) && totals.some((total) => total !== null);
  if (!hasTotals) return null;
  const cells = makeCells("td", totals, columns);
  if (totals[0] === null) cells[0] = make("th", { scope: "row", class: "words" }, "Total of all rows");
  return make("tfoot", {}, make("tr", {}, ...cells));
}

function countText(shown, all) {
  return shown < all ? `First ${formatCount(shown)} of ${spoken(all, "row", "rows")}` :
    spoken(all, "row", "rows");
}

export function hideTable() {
  setShown($("table-card"), false);
  $("table").replaceChildren();
}

export function showTable(preview) {
  const { columns, rows } = preview;
  const all = preview.row_count;
  const isPart = rows.length < all;
  const body = make("tbody", {});
  const foot = makeFoot(preview);
  const fill = (list) => body.replaceChildren(...list.map((row) =>
    make("tr", {}, ...makeCells("td", row, columns))));
  const head = makeHead(columns, (cell, index) => {
    const direction = DIRECTIONS[cell.getAttribute("aria-sort")];
    for (const other of head.querySelectorAll("th")) other.setAttribute("aria-sort", "none");
    cell.setAttribute("aria-sort", direction);
    fill(sorted(rows, index, columns[index], direction));
    const title = columns[index].title || columns[index].name;
    announce(direction === "none" ? "In the report's own order." : `Sorted by ${title}, ${direction}.`);
  });

  fill(rows);
  $("table").replaceChildren(make("caption", {}, isPart ?
    `${countText(rows.length, all)}; sorting is among these ${formatCount(rows.length)}. ` +
    "The file has all of them." : `All ${countText(rows.length, all)} of the file.`), head, body);
  if (foot) $("table").append(foot);
  $("table-count").textContent = countText(rows.length, all);
  setShown($("table-card"), true);
}
