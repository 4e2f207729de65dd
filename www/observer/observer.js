// SPDX-License-Identifier: BSD-2-Clause
// The observer's page. How the workers are and each new point of the charts come by themselves
// (server-sent events); processes, connections, mailers, jobs, slow requests and keys are asked for, a
// bounded part of them.

import { $, make, setShown, setText } from "../reports/dom.js";
import { formatBytes, formatCount, formatWait, spoken } from "../reports/format.js";
import { API, cell, numeric, setRows } from "./api.js";
import { addHistory } from "./charts.js";
import { showConnections } from "./connections.js";
import { prepareLists, showLists } from "./lists.js";
import { showMailers } from "./mailers.js";
import { prepareProcesses, setMayKill, setWorkers, showProcesses } from "./processes.js";

const STEP_MS = 5000;

function showProblem(error) {
  setShown($("problem"), Boolean(error));
  setText($("problem-text"), error ? error.message : "");
}

/* ---------------------------------------------------------------- workers */

function workerRow(worker) {
  const name = `${worker.worker ?? "?"} (${worker.pid ?? worker.observer})`;
  if (worker.is_silent)
    return make("tr", { class: "silent" }, cell(name),
      make("td", { colspan: "8" }, "does not answer: it is not in the sums"));
  const { service, runtime } = worker;
  const restarts = worker.restarts_total > 0 ?
    `, restarted ${worker.restarts_total === 1 ? "once" : spoken(worker.restarts_total, "time", "times")}` : "";
  return make("tr", {}, cell(name), cell(worker.state + restarts, "state"), numeric(formatWait(worker.uptime_ms)),
    numeric(formatCount(service.connections), "minor"), numeric(formatCount(service.requests_total)),
    numeric(formatCount(service.slow_total), "minor"),
    numeric(formatCount(service.failed_total), "minor"),
    numeric(formatCount(runtime.processes)), numeric(formatBytes(worker.memory_bytes)));
}

function showWorkers(workers) {
  const answering = workers.filter((worker) => !worker.is_silent);
  const silent = workers.length - answering.length;
  const sum = (of) => answering.reduce((total, worker) => total + of(worker), 0);
  const sorted = [...workers].sort((a, b) => a.generation - b.generation || a.worker - b.worker);

  setRows($("workers"), sorted.map(workerRow));
  setText($("now-words"),
    `${spoken(answering.length, "worker runs", "workers run")} ` +
    `${spoken(sum((w) => w.runtime.processes), "process", "processes")} and ` +
    `${spoken(sum((w) => w.service.requests), "request", "requests")} on ` +
    `${spoken(sum((w) => w.service.connections), "connection", "connections")}.`);
  setShown($("silent"), silent > 0);
  setText($("silent"), silent === 1 ? "One worker does not answer. The sums are without it." :
    `${silent} workers do not answer. The sums are without them.`);
  showPlugins(answering);
}

/* ---------------------------------------------------------------- plugins */

// The same plugin of all workers as one. The youngest worker knows of all crashes.
function mergePlugins(workers) {
  const plugins = new Map();
  const oldestFirst = [...workers].sort((a, b) => b.uptime_ms - a.uptime_ms);
  for (const worker of oldestFirst) {
    for (const plugin of worker.plugins) {
      const known = plugins.get(plugin.name) || { processes: 0, metrics: new Map() };
      plugins.set(plugin.name, { ...known, ...plugin, processes: known.processes + plugin.processes });
    }
    for (const metric of worker.metrics || []) {
      const metrics = plugins.get(metric.plugin)?.metrics;
      metrics?.set(metric.name, { ...metric, value: (metrics.get(metric.name)?.value || 0) + metric.value });
    }
  }
  return [...plugins.values()];
}

function pluginState(plugin) {
  if (plugin.state !== "quarantined") return plugin.state;
  return `in quarantine for ${formatWait(plugin.quarantine_left_ms)}`;
}

function pluginRow(plugin) {
  const counts = [...plugin.metrics.values()].map((metric) =>
    make("li", { title: metric.help }, `${metric.name.replaceAll("_", " ")} ${formatCount(metric.value)}`));
  const crashes = plugin.crashes_total > 0 && plugin.last_crash ?
    { class: "numeric", title: plugin.last_crash } : { class: "numeric" };
  return make("tr", { "data-key": plugin.name, class: plugin.state === "quarantined" ? "silent" : "" },
    make("td", { title: plugin.summary || "" },
      make("a", { href: `#search=${plugin.name}`, "data-what": "link" }, plugin.name)),
    cell(plugin.version || "", "minor"), cell(pluginState(plugin)),
    make("td", crashes, formatCount(plugin.crashes_total)),
    numeric(formatCount(plugin.processes)),
    make("td", { class: "counts" }, make("ul", {}, ...counts)));
}

function showPlugins(workers) {
  const plugins = mergePlugins(workers).sort((a, b) => a.name.localeCompare(b.name));
  setRows($("plugins"), plugins.map(pluginRow));
}

/* ---------------------------------------------------------------- the stream */

let lastMs = 0; // the last point that the charts have

function follow() {
  const events = new EventSource(`${API}/events?after_ms=${lastMs}`);
  events.addEventListener("workers", (event) => {
    const { workers, may_kill: mayKill } = JSON.parse(event.data);
    setMayKill(mayKill);
    setWorkers(workers);
    showWorkers(workers);
    setText($("now-note"), "");
  });
  events.addEventListener("samples", (event) => {
    lastMs = Number(event.lastEventId);
    addHistory(JSON.parse(event.data));
  });
  events.addEventListener("error", () => {
    setText($("now-note"), "Not connected; trying again …");
    // The browser tries again by itself when a stream breaks off, but not after an error page.
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, STEP_MS);
  });
}

/* ---------------------------------------------------------------- the whole */

async function refresh() {
  try {
    await Promise.all([showLists(), showConnections(), showMailers(),
      $("kill").open ? null : showProcesses()]);
    showProblem(null);
  } catch (error) {
    showProblem(error);
  }
}

// The next question waits for the answer to the last: a busy server is not asked more and more.
async function goOn() {
  if (!document.hidden) await refresh();
  setTimeout(goOn, STEP_MS);
}

async function start() {
  prepareProcesses(showProblem);
  prepareLists(showProblem);
  follow();
  await refresh();
  $("main").setAttribute("aria-busy", "false");
  setTimeout(goOn, STEP_MS);
}

start();
