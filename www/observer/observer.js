// SPDX-License-Identifier: BSD-2-Clause
// The observer's page: asks, shows, asks again. The workers come by themselves (server-sent events);
// the processes are asked for, since there can be a million of them.

import { $, announce, make, setShown, setText } from "../reports/dom.js";
import { formatBytes, formatCount, formatWait } from "../reports/format.js";
import { showHistory } from "./charts.js";

const API = "../api/observer";
const STEP_MS = 5000;
const SHOWN = 200;

async function ask(path, options) {
  const response = await fetch(`${API}${path}`, { cache: "no-store", ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
  return body;
}

function showProblem(error) {
  setShown($("problem"), Boolean(error));
  setText($("problem-text"), error ? error.message : "");
}

/* ---------------------------------------------------------------- workers */

function workerRow(worker) {
  const { service, runtime } = worker;
  const cells = [`${worker.worker} (${worker.pid})`, worker.state];
  const numbers = [formatWait(worker.uptime_ms), formatCount(service.connections),
    formatCount(service.requests_total), formatCount(service.failed_total),
    formatCount(runtime.processes), formatBytes(worker.memory_bytes)];
  return make("tr", {}, ...cells.map((text) => make("td", {}, text)),
    ...numbers.map((text) => make("td", { class: "numeric" }, text)));
}

function showWorkers(workers) {
  const sum = (of) => workers.reduce((total, worker) => total + of(worker), 0);
  const sorted = [...workers].sort((a, b) => a.generation - b.generation || a.worker - b.worker);
  const plugins = sorted.length > 0 ? sorted[0].plugins.map((plugin) => plugin.name) : [];

  $("workers").tBodies[0].replaceChildren(...sorted.map(workerRow));
  setText($("now-words"),
    `${formatCount(workers.length)} workers run ${formatCount(sum((w) => w.runtime.processes))} processes ` +
    `and ${formatCount(sum((w) => w.service.requests))} requests, with the plugins ${plugins.join(", ")}.`);
}

function follow() {
  const events = new EventSource(`${API}/events`);
  events.addEventListener("workers", (event) => {
    showWorkers(JSON.parse(event.data));
    setText($("now-note"), "");
  });
  events.addEventListener("error", () => {
    setText($("now-note"), "Not connected; trying again …");
    // The browser tries again by itself when a stream breaks off, but not after an error page.
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, STEP_MS);
  });
}

/* ---------------------------------------------------------------- jobs */

function jobRow(job) {
  const state = job.state === "queued" && job.position ? `number ${job.position} in the queue` :
    job.state === "running" && job.phase ? `running: ${job.phase}` : job.state;
  return make("tr", {}, make("td", { class: "label" }, job.title || job.id), make("td", {}, job.who),
    make("td", {}, job.reason ? `${state}: ${job.reason}` : state),
    make("td", { class: "numeric" }, job.result_bytes ? formatBytes(job.result_bytes) : ""));
}

async function showJobs() {
  const { jobs } = await ask("/jobs");
  setShown($("jobs-empty"), jobs.length === 0);
  setShown($("jobs"), jobs.length > 0);
  $("jobs").tBodies[0].replaceChildren(...jobs.map(jobRow));
}

/* ---------------------------------------------------------------- processes */

let labels = new Map(); // pid → label, of those that are shown

function askToKill(process) {
  const dialog = $("kill");
  setText($("kill-text"), `“${process.label}” ends at once, without a word. Its supervisor starts it ` +
    "again if it has one that does.");
  dialog.returnValue = "";
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "yes") return;
    try {
      await ask("/kill", { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ observer: process.observer, pid: process.pid }) });
      announce(`Ended: ${process.label}.`);
      await showProcesses();
    } catch (error) {
      showProblem(error); // an alert: seen and heard
    }
  }, { once: true });
  dialog.showModal();
}

function processRow(process) {
  const button = make("button", { type: "button", "aria-label": `End ${process.label}` }, "End");
  button.addEventListener("click", () => askToKill(process));
  return make("tr", { "data-pid": process.pid },
    make("td", { class: "label", title: process.pid }, process.name || process.label),
    make("td", {}, process.plugin), make("td", {}, process.kind), make("td", {}, process.state),
    make("td", { class: "numeric" }, formatCount(process.messages)),
    make("td", { class: "numeric" }, formatBytes(process.memory_bytes)),
    make("td", { class: "label" }, labels.get(process.parent) || process.parent),
    make("td", {}, button));
}

const ORDERS = {
  memory: (a, b) => b.memory_bytes - a.memory_bytes,
  messages: (a, b) => b.messages - a.messages,
  label: (a, b) => a.label.localeCompare(b.label),
};

let latest = 0; // answers that are overtaken are not shown

async function showProcesses() {
  const number = latest += 1;
  const sort = $("sort").value;
  const query = new URLSearchParams({ search: $("search").value.trim(), sort, limit: SHOWN });
  const { workers } = await ask(`/processes?${query}`);
  if (number !== latest) return;
  const all = workers.flatMap(({ observer, processes }) =>
    processes.map((process) => ({ ...process, observer })));
  const count = workers.reduce((sum, worker) => sum + worker.count, 0);
  const shown = all.sort(ORDERS[sort]).slice(0, SHOWN);

  labels = new Map(all.map((process) => [process.pid, process.label]));
  const focused = document.activeElement?.closest?.("#processes tr")?.dataset.pid;
  $("processes").tBodies[0].replaceChildren(...shown.map(processRow));
  if (focused) document.querySelector(`#processes tr[data-pid="${CSS.escape(focused)}"] button`)?.focus();
  setText($("processes-count"), shown.length < count ?
    `${formatCount(shown.length)} of ${formatCount(count)}` : formatCount(count));
}

/* ---------------------------------------------------------------- the whole */

async function refresh() {
  try {
    await Promise.all([ask("/history").then(showHistory), showJobs(),
      $("kill").open ? null : showProcesses()]);
    showProblem(null);
  } catch (error) {
    showProblem(error);
  }
}

async function start() {
  let waiting = null;
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => showProcesses().catch(showProblem), 200);
  });
  $("sort").addEventListener("change", () => showProcesses().catch(showProblem));
  $("kill-no").addEventListener("click", () => $("kill").close("no"));
  $("kill-yes").addEventListener("click", () => $("kill").close("yes"));
  follow();
  await refresh();
  $("main").setAttribute("aria-busy", "false");
  setInterval(() => { if (!document.hidden) refresh(); }, STEP_MS);
}

start();
