// SPDX-License-Identifier: BSD-2-Clause
// Asks the observer, and makes cells and rows of tables. Knows nothing of what they show.

import { make } from "../reports/dom.js";

export const API = "../api/observer";

export async function ask(path, options) {
  const response = await fetch(`${API}${path}`, { cache: "no-store", ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
  return body;
}

export function cell(text, kind) {
  return make("td", kind ? { class: kind } : {}, text);
}

export function numeric(text, kind) {
  return cell(text, kind ? `numeric ${kind}` : "numeric");
}

// A phone has no room for the minor cells of a row: a line below it says the same, each with the name of
// its column.
function withRest(row, headings) {
  const minor = [...row.cells].filter((each) => each.classList.contains("minor") && each.textContent !== "");
  if (minor.length === 0) return [row];
  const parts = minor.map((each) => make("li", { class: each.classList.contains("starter") ? "starter" : "" },
    make("span", { class: "kind" }, headings[each.cellIndex].textContent), " ", each.textContent));
  return [row, make("tr", { class: `rest ${row.className}` },
    make("td", { colspan: String(headings.length) }, make("ul", {}, ...parts)))];
}

// What has the focus has it again when the rows are new: its row is found by data-key, and what it is
// in the row by data-what, which all have that can have the focus. When its row is gone, it is the table
// that has the focus: whoever uses the keyboard goes on from there, and not from the top of the page.
export function setRows(table, rows) {
  const body = table.tBodies[0];
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("tr").dataset.key;

  body.replaceChildren(...rows.flatMap((row) => withRest(row, table.tHead.rows[0].cells)));
  if (!focused) return;
  const place = rows.find((row) => row.dataset.key === key)
    ?.querySelector(`[data-what="${focused.dataset.what}"]`);
  (place || table.closest(".scroll")).focus({ preventScroll: true });
}
