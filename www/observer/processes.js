// SPDX-License-Identifier: BSD-2-Clause
// The processes, as a tree of who started whom, or searched as a list. There can be a million: of each
// branch, and of what is found, only the first few hundred are asked for, and told how many there are.

import { $, announce, make, setShown, setText } from "../reports/dom.js";
import { formatBytes, formatCount, formatWait } from "../reports/format.js";
import { ask, cell, numeric, setRows } from "./api.js";

const SHOWN = 200; // in a list
const OPEN_MAX = 39; // branches that are open at once, so many as one question may name, and the roots
const OPEN_AT_FIRST = 30;
const DEEPEST = 8; // levels with an indent of their own
const COLUMNS = 11;
const LOOKS = 5; // for the one that comes in the place of one that was ended
const LOOK_MS = 200;

let mayKill = false;
let latest = 0; // answers that are overtaken are not shown
let showProblem = () => {}; // with asking: it passes when an answer comes
let shown = new Map(); // pid → process, those of the table
const open = new Set(); // pids of branches
const seen = new Set(); // branches that were opened by themselves once

let numbers = new Map(); // observer → number of its worker

export function setWorkers(workers) {
  numbers = new Map(workers.map((worker) => [worker.observer, worker.worker]));
}

export function setMayKill(isAllowed) {
  mayKill = isAllowed;
  setShown($("kill-note"), !isAllowed);
}

/* ---------------------------------------------------------------- ending one */

// What came of what was asked for here stays until the next thing is done here. An alert: seen and heard.
function tell(error) {
  setText($("processes-problem"), error ? error.message : "");
  setShown($("processes-problem"), Boolean(error));
}

// The one that its supervisor has started in its place; undefined when there is none on the page.
async function findSuccessor(ended, before) {
  for (let look = 0; look < LOOKS; look += 1) {
    await showProcesses().catch(showProblem);
    const successor = [...shown.values()].find((process) => !before.has(process.pid) &&
      process.observer === ended.observer && process.parent === ended.parent &&
      process.label === ended.label && process.restarts > ended.restarts);
    if (successor) return successor;
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
  }
  return undefined;
}

// Who has ended a process by keyboard goes on at the one in its place, or searches for another.
async function endProcess(process) {
  const before = new Set(shown.keys());
  await ask("/kill", { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ observer: process.observer, pid: process.pid }) });
  const successor = await findSuccessor(process, before);
  const row = successor && [...$("processes").tBodies[0].rows].find((each) => each.dataset.key === successor.pid);
  announce(`Ended: ${process.label}. ${successor ? `It was started again.` :
    "None is here in its place."}`);
  if ([document.body, $("processes").closest(".scroll")].includes(document.activeElement))
    (row?.querySelector("[data-what=end]") || $("search")).focus();
}

function askToKill(process) {
  const dialog = $("kill");
  setText($("kill-text"), `“${process.label}” ends at once, without a word. Its supervisor starts it ` +
    "again if it has one that does.");
  dialog.returnValue = "";
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "yes") return;
    try {
      await endProcess(process);
    } catch (error) {
      tell(error);
    }
  }, { once: true });
  dialog.showModal();
}

/* ---------------------------------------------------------------- rows */

const short = new Intl.NumberFormat(navigator.languages, { maximumSignificantDigits: 3 });

function formatRun(microseconds) {
  if (microseconds === 0) return "";
  return microseconds < 1e6 ? `${short.format(microseconds / 1000)} ms` : `${short.format(microseconds / 1e6)} s`;
}

function branchButton(process) {
  const isOpen = open.has(process.pid);
  const button = make("button", { type: "button", class: "branch", "data-what": "branch",
    "aria-expanded": String(isOpen),
    "aria-label": `${process.label}, ${formatCount(process.children)} below` }, isOpen ? "▾" : "▸");
  button.addEventListener("click", () => {
    if (isOpen) open.delete(process.pid);
    else if (open.size < OPEN_MAX) open.add(process.pid);
    else tell(new Error(`${OPEN_MAX} branches are open; please close one first.`));
    showProcesses().catch(showProblem);
  });
  return button;
}

// Each worker has a process of this label: which one it is, only the number tells.
function nameOf(process) {
  const number = process.label === "worker" ? numbers.get(process.observer) : undefined;
  return number === undefined ? process.name || process.label : `worker ${number}`;
}

function processRow(process, level, known) {
  const children = [];
  const state = process.waits_for ? `waits: ${process.waits_for}` : process.state;
  if (level >= 0)
    children.push(process.children > 0 ? branchButton(process) : make("span", { class: "leaf" }));
  children.push(make("a", { href: `#search=${process.pid}`, "data-what": "link",
    title: `${process.kind} ${process.pid}${process.has_stack ? ", has a stack" : ""}` },
  nameOf(process)));
  if (process.kind === "supervisor") children.push(make("span", { class: "kind" }, " supervisor"));

  const end = [];
  if (mayKill) {
    const button = make("button", { type: "button", "data-what": "end",
      "aria-label": `End ${process.label}` }, "End");
    button.addEventListener("click", () => askToKill(process));
    end.push(button);
  }
  return make("tr", { "data-key": process.pid, class: `level-${Math.min(Math.max(level, 0), DEEPEST)}` },
    make("td", { class: "label" }, ...children), cell(process.plugin, "minor"), cell(state),
    numeric(formatCount(process.messages), "minor"), numeric(formatBytes(process.memory_bytes)),
    numeric(formatRun(process.run_us), "minor"), numeric(formatCount(process.turns), "minor"),
    numeric(formatWait(process.age_ms), "minor"),
    numeric(process.restarts ? formatCount(process.restarts) : "", "minor"),
    cell(known.get(process.parent)?.label || (process.parent === "0" ? "" : process.parent),
      "label minor starter"),
    make("td", {}, ...end));
}

function noteRow(text, level) {
  return make("tr", { class: `note level-${Math.min(level, DEEPEST)}` },
    make("td", { colspan: String(COLUMNS) }, text));
}

/* ---------------------------------------------------------------- asking */

const ORDERS = {
  memory: (a, b) => b.memory_bytes - a.memory_bytes,
  messages: (a, b) => b.messages - a.messages,
  time: (a, b) => b.run_us - a.run_us,
  turns: (a, b) => b.turns - a.turns,
  age: (a, b) => b.age_ms - a.age_ms,
  restarts: (a, b) => b.restarts - a.restarts,
  label: (a, b) => a.label.localeCompare(b.label),
};

async function askProcesses(parameters) {
  const sort = $("sort").value;
  const { workers } = await ask(`/processes?${new URLSearchParams({ ...parameters, sort, limit: SHOWN })}`);
  const processes = workers.flatMap(({ observer, processes: some }) =>
    (some || []).map((process) => ({ ...process, observer })));
  return { workers, processes: processes.sort(ORDERS[sort]) };
}

const sum = (workers, of) => workers.reduce((total, worker) => total + (of(worker) || 0), 0);

/* ---------------------------------------------------------------- the tree */

// What is small is open from the start, so that the tree shows. @return whether one more is open
function openByItself(process, level) {
  if (seen.has(process.pid) || level > 4) return false;
  seen.add(process.pid);
  if (process.children === 0 || process.children > 20 || open.size >= OPEN_AT_FIRST ||
      process.label.startsWith("GET ")) return false;
  open.add(process.pid);
  return true;
}

// The answer as a tree: pid → processes that it has started. Those whose parent is not among the open
// branches are the roots.
async function askTree() {
  const { workers, processes } = await askProcesses({ parents: ["0", ...open].join(",") });
  const branches = new Map([["0", []], ...[...open].map((pid) => [pid, []])]);
  const counts = new Map([...branches.keys()].map((pid) => [pid, sum(workers, (worker) =>
    worker.branches?.find((branch) => branch.pid === pid)?.count)]));
  for (const process of processes) (branches.get(process.parent) || branches.get("0")).push(process);
  return { branches, counts };
}

function branchRows({ branches, counts }, parent, level, known, news) {
  const processes = branches.get(parent) || [];
  const rows = [];
  for (const process of processes) {
    known.set(process.pid, process);
    if (openByItself(process, level)) news.push(process.pid);
    rows.push(processRow(process, level, known));
    if (process.children > 0 && branches.has(process.pid))
      rows.push(...branchRows({ branches, counts }, process.pid, level + 1, known, news));
  }
  const hidden = counts.get(parent) - processes.length;
  if (hidden > 0) rows.push(noteRow(`… and ${formatCount(hidden)} more: search for them`, level));
  return rows;
}

async function treeRows() {
  const news = [];
  const known = new Map();
  const rows = branchRows(await askTree(), "0", 0, known, news);
  if (news.length > 0) return treeRows(); // one level more each time, at most five
  for (const pid of open) if (!known.has(pid)) open.delete(pid); // it has ended, or is folded away
  return { rows, known, words: "" };
}

async function listRows(search) {
  const { workers, processes: all } = await askProcesses({ search });
  const processes = all.slice(0, SHOWN);
  const count = sum(workers, (worker) => worker.count);
  const known = new Map(processes.map((process) => [process.pid, process]));
  const words = processes.length < count ? `${formatCount(processes.length)} of ${formatCount(count)}` :
    formatCount(count);
  return { rows: processes.map((process) => processRow(process, -1, known)), known, words };
}

export async function showProcesses() {
  const number = latest += 1;
  const search = $("search").value.trim();
  const isTree = $("view").value === "tree" && search === "";
  const { rows, known, words } = isTree ? await treeRows() : await listRows(search);
  if (number !== latest || $("kill").open) return; // the focus goes back to where it was asked for
  shown = known;
  $("processes").classList.toggle("tree", isTree);
  setRows($("processes"), rows);
  setText($("processes-count"), words);
}

/* ---------------------------------------------------------------- links and inputs */

// "#search=…" shows a process, or those of a plugin.
function followHash() {
  const search = new URLSearchParams(location.hash.slice(1)).get("search");
  if (search === null) return;
  $("search").value = search;
  tell(null);
  showProcesses().catch(showProblem);
  $("processes-title").focus();
}

export function prepareProcesses(showProblemOfAsking) {
  let waiting = null;
  showProblem = showProblemOfAsking;
  for (const kind of ["click", "input"]) // before what answers it
    for (const place of [$("processes-card"), $("kill")])
      place.addEventListener(kind, () => tell(null), { capture: true });
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => showProcesses().catch(showProblem), 200);
  });
  for (const id of ["sort", "view"])
    $(id).addEventListener("change", () => showProcesses().catch(showProblem));
  $("kill-no").addEventListener("click", () => $("kill").close("no"));
  $("kill-yes").addEventListener("click", () => $("kill").close("yes"));
  window.addEventListener("hashchange", followHash);
  followHash();
}
