// SPDX-License-Identifier: BSD-2-Clause
// Slow requests, jobs, and the keys of the registry.

import { $, make, setShown, setText } from "../reports/dom.js";
import { formatBytes, formatCount, formatMoment } from "../reports/format.js";
import { ask, cell, numeric, setRows } from "./api.js";

const SLOW_SHOWN = 50;

/* ---------------------------------------------------------------- slow requests */

const WAITS = {
  turn: "before its turn", message: "for a message", answer: "for another process", time: "asleep",
  work: "for the thread pool", fetch: "for another server", store: "for the store",
  registry: "for the registry", job: "for a job", client: "for the client", descriptor: "for a connection",
  "wake-up": "for an event",
};
const short = new Intl.NumberFormat(navigator.languages, { maximumSignificantDigits: 3 });

function formatMs(milliseconds) {
  return milliseconds < 1000 ? `${short.format(milliseconds)} ms` : `${short.format(milliseconds / 1000)} s`;
}

// The longest first; what is less than a hundredth of the whole is left out.
function whereTimeWent(request) {
  const parts = Object.entries(request.waited_ms).map(([reason, ms]) => [WAITS[reason] || reason, ms]);
  return [["running", request.ran_ms], ...parts]
    .filter(([, ms]) => ms >= request.took_ms / 100).sort((a, b) => b[1] - a[1])
    .map(([words, ms]) => `${formatMs(ms)} ${words}`).join(", ");
}

function slowRow(request) {
  return make("tr", {}, cell(request.route, "label"), cell(formatMoment(request.started_ms)),
    numeric(formatMs(request.took_ms)), cell(whereTimeWent(request), "words"),
    numeric(String(request.status), "minor"), cell(request.user, "minor"));
}

async function showSlow() {
  const { workers } = await ask("/slow");
  const all = workers.flatMap((worker) => worker.requests || []);
  const shown = all.sort((a, b) => b.started_ms - a.started_ms).slice(0, SLOW_SHOWN);
  setShown($("slow-empty"), all.length === 0);
  setShown($("slow"), all.length > 0);
  setText($("slow-count"), all.length === 0 ? "" : `the last ${formatCount(shown.length)}`);
  setRows($("slow"), shown.map(slowRow));
}

/* ---------------------------------------------------------------- jobs */

function jobRow(job) {
  const state = job.state === "queued" && job.position ? `number ${job.position} in the queue` :
    job.state === "running" && job.phase ? `running: ${job.phase}` : job.state;
  return make("tr", {}, cell(job.title || job.id, "label"), cell(job.who),
    cell(job.reason ? `${state}: ${job.reason}` : state, "words"),
    numeric(job.result_bytes ? formatBytes(job.result_bytes) : ""));
}

async function showJobs() {
  const { jobs } = await ask("/jobs");
  const queued = jobs.filter((job) => job.state === "queued").length;
  const running = jobs.filter((job) => job.state === "running").length;
  setShown($("jobs-empty"), jobs.length === 0);
  setShown($("jobs"), jobs.length > 0);
  setText($("jobs-count"), jobs.length === 0 ? "" :
    `${formatCount(queued)} wait, ${formatCount(running)} run, ${formatCount(jobs.length)} in all`);
  setRows($("jobs"), jobs.map(jobRow));
}

/* ---------------------------------------------------------------- registry */

let pages = 1; // how many pages of keys are shown

function keyRow(entry) {
  const owner = entry.owner ?
    make("a", { href: `#search=${entry.owner}`, "data-what": "link" }, entry.owner) : "none, it is kept";
  return make("tr", { "data-key": entry.key }, cell(entry.key, "label"), make("td", {}, owner),
    cell(formatMoment(entry.registered_ms), "minor"),
    cell(entry.keep_until_ms ? formatMoment(entry.keep_until_ms) : "", "minor"),
    numeric(formatBytes(entry.value_bytes + entry.file_bytes)));
}

async function showRegistry() {
  const prefix = $("prefix").value.trim();
  const all = [];
  let page = { has_more: true };
  for (let i = 0; i < pages && page.has_more; i += 1) {
    const query = new URLSearchParams({ prefix });
    if (all.length > 0) query.set("after", all[all.length - 1].key);
    page = await ask(`/registry?${query}`);
    all.push(...page.entries);
  }
  if (prefix !== $("prefix").value.trim()) return; // overtaken
  setShown($("registry-empty"), all.length === 0);
  setShown($("registry"), all.length > 0);
  setShown($("registry-more"), page.has_more);
  setText($("registry-count"), page.has_more ? `the first ${formatCount(all.length)}` : formatCount(all.length));
  setRows($("registry"), all.map(keyRow));
}

/* ---------------------------------------------------------------- all of them */

export async function showLists() {
  await Promise.all([showSlow(), showJobs(), showRegistry()]);
}

export function prepareLists(showProblem) {
  let waiting = null;
  $("prefix").addEventListener("input", () => {
    clearTimeout(waiting);
    pages = 1;
    waiting = setTimeout(() => showRegistry().catch(showProblem), 200);
  });
  $("registry-more").addEventListener("click", () => {
    pages += 1;
    showRegistry().catch(showProblem);
  });
}
