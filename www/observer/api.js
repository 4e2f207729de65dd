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

// Where the focus is in a table, so that it can be there again when the rows are new.
function placeOf(element) {
  const row = element?.closest?.("tr[data-pid]");
  return row ? { pid: row.dataset.pid, what: element.dataset.what } : null;
}

export function setRows(table, rows) {
  const place = table.contains(document.activeElement) ? placeOf(document.activeElement) : null;
  table.tBodies[0].replaceChildren(...rows);
  if (place)
    table.querySelector(`tr[data-pid="${CSS.escape(place.pid)}"] [data-what="${place.what}"]`)?.focus();
}
