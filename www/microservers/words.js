// SPDX-License-Identifier: BSD-2-Clause
// What the numbers of the plugin mean, in sentences. Knows nothing of the page.

import { formatBytes, formatCount, spoken } from "../reports/format.js";

const decimals = new Intl.NumberFormat(navigator.languages, { maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat(navigator.languages, { maximumSignificantDigits: 3 });

export const formatPercent = (percent) => `${decimals.format(percent)} %`;
export const formatDuration = (microseconds) => `${precise.format(microseconds / 1000)} ms`;
export const formatSeconds = (milliseconds) => `${precise.format(milliseconds / 1000)} s`;

const TICKS = { spread: "spread evenly", together: "all at the same time" };

export function about({ rows, value, at_once: atOnce, interval_ms: interval }) {
  const often = interval === 1000 ? "each second" : `every ${formatSeconds(interval)}`;
  return `A table has ${spoken(rows, "row", "rows")}, each with the number ${formatCount(value)}. Up to ` +
    `${spoken(atOnce, "server", "servers")} run at a time, each of them a process for one row: ${often} it ` +
    "subtracts one in a transaction of the store, and it ends when nothing is left. When all rows are done " +
    "it begins anew.";
}

// How it stands, in one sentence.
export function state(status) {
  const { rows, rows_done: done, servers, pass, tick } = status;

  switch (status.state) {
    case "stopped":
      return pass > 0 ? `Stopped in pass ${formatCount(pass)}. Start goes on from there.` : "Not started yet.";
    case "waiting":
      return "Waiting for the table: it is another machine's, or that of a worker that has just ended, " +
        "or the store can't be reached.";
    case "filling":
      return `Pass ${formatCount(pass)}: the rows get their numbers.`;
    case "counting":
      return `Pass ${formatCount(pass)}: ${spoken(servers, "server", "servers")} at work, ${TICKS[tick]}; ` +
        `${formatCount(done)} of ${spoken(rows, "row", "rows")} are done.`;
    case "pausing":
      return `Pass ${formatCount(pass)} is over; the next begins in a moment.`;
    default:
      return "";
  }
}

// Only what matters to who can't see the page: not each second's numbers.
export function change(status) {
  const words = { stopped: "Stopped.", waiting: "Waiting for the table.", counting: "Counting.",
    filling: "", pausing: "" };
  return words[status.state] ?? "";
}

export function lastPass(last) {
  const began = last.is_whole ? "" : " It was interrupted, and this is its last part.";
  return `Pass ${formatCount(last.pass)} took ${formatSeconds(last.duration_ms)} for ` +
    `${spoken(last.updates, "update", "updates")}: ${formatDuration(last.mean_us)} each on average, 99 % within ` +
    `${formatDuration(last.p99_us)}, with ${formatPercent(last.cpu_percent)} of one core and ` +
    `${formatBytes(last.memory_bytes)} of memory.${began}`;
}

export function lastCells(last) {
  return [formatCount(last.updates), formatSeconds(last.duration_ms), formatDuration(last.mean_us),
    formatDuration(last.half_us), formatDuration(last.p99_us), formatDuration(last.longest_us),
    formatPercent(last.cpu_percent), formatBytes(last.memory_bytes)];
}
