// SPDX-License-Identifier: BSD-2-Clause
// The web server's connections to all workers: who is busy for longest comes first. There can be
// thousands: each worker tells of its busiest only, and how many there are.

import { $, make, setShown, setText } from "../reports/dom.js";
import { formatBytes, formatCount, formatMoment, formatWait, spoken } from "../reports/format.js";
import { ask, cell, numeric, setRows } from "./api.js";

const SHOWN = 100;
const STATES = ["at work", "endless", "idle"]; // in their order

// What is shorter than a second matters here.
function formatFor(milliseconds) {
  return milliseconds < 1000 ? `${formatCount(milliseconds)} ms` : formatWait(milliseconds);
}

// The busiest first, as each worker sorts its own.
function compare(a, b) {
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.busy_ms - a.busy_ms ||
    b.requests_total - a.requests_total;
}

function peerOf(connection) {
  if (connection.address) return connection.address;
  if (!connection.peer_pid) return "not known";
  if (connection.peer_program) return `${connection.peer_program}, pid ${connection.peer_pid}`;
  return `pid ${connection.peer_pid} of user ${connection.peer_uid}`;
}

// The oldest request, with a link to its process, and how many more there are.
function workCell({ oldest, requests, output_bytes: bytes }) {
  if (!oldest) return cell(bytes > 0 ? "all answered" : "idle", "words");
  const route = oldest.route || "a request that is still coming in";
  const more = requests > 1 ? `, and ${formatCount(requests - 1)} more` : "";
  const name = oldest.pid ?
    make("a", { href: `#search=${oldest.pid}`, "data-what": "link" }, route) : route;
  return make("td", { class: "words" }, name,
    ` for ${formatFor(oldest.for_ms)}${oldest.is_endless ? ", on purpose" : ""}${more}`);
}

function waitsText({ output_bytes: bytes, output_waits_ms: milliseconds }) {
  return bytes > 0 ? `${formatBytes(bytes)} for ${formatFor(milliseconds)}` : "";
}

function connectionRow(connection) {
  return make("tr", { "data-key": connection.oldest?.pid || "" },
    cell(peerOf(connection), "label"), numeric(String(connection.worker), "minor"), workCell(connection),
    numeric(waitsText(connection)), numeric(formatCount(connection.requests_total), "minor"),
    cell(formatMoment(connection.opened_ms), "minor"));
}

export async function showConnections() {
  const { workers } = await ask("/connections");
  const sum = (name) => workers.reduce((total, worker) => total + (worker[name] || 0), 0);
  const all = workers.flatMap(({ worker, connections }) =>
    (connections || []).map((connection) => ({ ...connection, worker })));
  const shown = all.sort(compare).slice(0, SHOWN);
  const count = sum("count");
  const bytes = sum("output_bytes");

  setText($("connections-count"), shown.length < count ?
    `the first ${formatCount(shown.length)} of ${formatCount(count)}` : formatCount(count));
  setText($("connections-words"), `${spoken(count, "connection", "connections")} of web servers, ` +
    `${formatCount(sum("at_work"))} at work. ` + (bytes > 0 ?
    `${formatBytes(bytes)} wait for the web server to take them.` : "Nothing waits to be taken."));
  setShown($("connections"), count > 0);
  setRows($("connections"), shown.map(connectionRow));
}
