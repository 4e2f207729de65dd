// SPDX-License-Identifier: BSD-2-Clause
// The page of microservers: starts, stops, and shows what the server sends each second.

import { $, announce, make, setShown, setText } from "../reports/dom.js";
import { addSamples, newestSample } from "./charts.js";
import { about, change, lastCells, lastPass, state } from "./words.js";

const API = "../api/microservers";
const RETRY_MS = 3000;

let shown = null;     // the last status
let isAsked = false;  // a command is on its way

async function ask(path, options) {
  const response = await fetch(`${API}${path}`, { cache: "no-store", ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
  return body;
}

function showProblem(text) {
  setShown($("problem"), Boolean(text));
  setText($("problem-text"), text || "");
}

/* ---------------------------------------------------------------- showing */

// Not "disabled", which would take the focus from whoever has just pressed it.
function setUsable(button, isUsable) {
  button.setAttribute("aria-disabled", String(!isUsable));
}

const isUsable = (button) => button.getAttribute("aria-disabled") === "false";

function showButtons() {
  const isReady = shown !== null && !isAsked && shown.state !== "waiting";
  const runsAsChosen = shown !== null && shown.running && shown.tick === $("tick").value;
  setUsable($("start"), isReady && !runsAsChosen);
  setUsable($("stop"), isReady && shown.running);
  setText($("start"), shown !== null && shown.running && !runsAsChosen ? "Change" : "Start");
}

function showLast(last) {
  if (!last) return;
  setText($("last-words"), lastPass(last));
  setShown($("last"), true);
  $("last").tBodies[0].rows[0].replaceChildren(...lastCells(last).map((text) => make("td", {}, text)));
}

function show(status) {
  const isFirst = shown === null;
  if (isFirst || shown.tick !== status.tick) $("tick").value = status.tick;
  if (!isFirst && shown.state !== status.state && change(status)) announce(change(status));
  shown = status;
  setText($("about"), about(status));
  setText($("state"), state(status));
  $("progress").max = status.rows;
  $("progress").value = status.rows_done;
  showLast(status.last_pass);
  showButtons();
  if (status.now) addSamples([status.now]);
  $("main").ariaBusy = "false";
}

/* ---------------------------------------------------------------- listening */

async function catchUp() {
  try {
    addSamples(await ask(`/history?after_ms=${newestSample()}`));
  } catch {
    // Without the past the charts begin now.
  }
}

function follow() {
  const events = new EventSource(`${API}/events`);
  events.addEventListener("open", () => {
    setText($("connection"), "");
    catchUp();
  });
  events.addEventListener("status", (event) => {
    setText($("connection"), "");
    show(JSON.parse(event.data));
  });
  events.addEventListener("nobody", () => {
    setText($("connection"), "No worker watches the table at the moment …");
  });
  events.addEventListener("error", async () => {
    setText($("connection"), "Not connected; trying again …");
    if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    try {
      await ask("/");
      showProblem("");
    } catch (error) {
      showProblem(error.message);
    }
    setTimeout(follow, RETRY_MS);
  });
}

/* ---------------------------------------------------------------- commands */

async function command(path, body) {
  isAsked = true;
  showButtons();
  try {
    show(await ask(path, { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body) }));
    showProblem("");
  } catch (error) {
    showProblem(error.message); // an alert: seen and heard
  }
  isAsked = false;
  showButtons();
}

$("control").addEventListener("submit", (event) => {
  event.preventDefault();
  if (isUsable($("start"))) command("/start", { tick: $("tick").value });
});
$("stop").addEventListener("click", () => isUsable($("stop")) && command("/stop", {}));
$("tick").addEventListener("change", showButtons);
follow();
