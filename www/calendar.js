// SPDX-License-Identifier: BSD-2-Clause
// The page "Where did my week go?": asks kontor for a week, has it shown by the modules beside it,
// keeps week and zone in the address. All text goes in by textContent; nothing from the calendar is
// ever read as markup.

import { fetchWeek } from "./calendar/api.js";
import { openConnections, prepareConnections, readReturn } from "./calendar/connections.js";
import { showChart, showTable } from "./calendar/days.js";
import { $, setShown } from "./calendar/dom.js";
import { prepareDownloads, showDownloads } from "./calendar/download.js";
import { showEvents } from "./calendar/events.js";
import { lookedAtFile, prepareFile, showFileNote } from "./calendar/file.js";
import { showFree, showHeat } from "./calendar/hours.js";
import { showKinds } from "./calendar/kinds.js";
import { showPeople } from "./calendar/people.js";
import { showSeries } from "./calendar/series.js";
import {
  chosenWeekStart, chosenZone, loadMe, me, prepareSettings, showWeekStart, showZone,
} from "./calendar/settings.js";
import { canSignIn, goToSignIn, nameSignIn } from "./calendar/sign_in.js";
import { showSummary } from "./calendar/summary.js";
import { forgetTrend, showTrend } from "./calendar/trend.js";

let shown = null; // the last answer
let pending = null; // the AbortController of the week that is shown or under way
let whoIsHere = Promise.resolve();

// ---------------------------------------------------------------- what is asked for

// Without a date the address means "this week", whenever it is opened.
function readAddress() {
  const query = new URLSearchParams(location.search);
  return {
    date: query.get("date") || "",
    zone: query.get("tz") || chosenZone(),
    weekStart: chosenWeekStart(),
    isSample: query.has("sample") && !lookedAtFile(),
    file: lookedAtFile(),
  };
}

function go({ date, zone, isSample }) {
  const query = new URLSearchParams();
  if (isSample) query.set("sample", "1");
  if (date) query.set("date", date);
  query.set("tz", zone);
  history.pushState(null, "", `?${query}`);
  load();
}

function goTo(date) {
  go({ ...readAddress(), date });
}

function step(name) {
  if (shown) goTo(shown.week[name]);
}

// ---------------------------------------------------------------- showing

function show(data, asked) {
  shown = data;
  setShown($("problem"), false);
  setShown($("welcome"), false);
  setShown($("sample-note"), asked.isSample);
  $("main").classList.remove("failed");
  $("date").value = data.week.first_date;
  $("this-week").setAttribute("aria-current", String(data.week.is_current));
  showZone(data.week.timezone);
  showWeekStart(data.week.week_start);
  showSummary(data);
  showChart(data);
  showTable(data);
  showHeat(data);
  showFree(data);
  showPeople(data);
  showKinds(data);
  showSeries(data);
  showEvents(data);
  showDownloads(data, asked);
}

// What needs the weeks before comes after the week itself.
async function showChanges(data, asked, signal) {
  data.comparison = await showTrend(data, asked, goTo, signal);
  if (data.comparison && shown === data) showPeople(data);
}

// The numbers of another week must not stand under an error.
function hideWeek() {
  shown = null;
  $("main").classList.add("failed");
  document.title = "Where did my week go?";
  setShown($("problem"), false);
  setShown($("welcome"), false);
  setShown($("sample-note"), false);
}

// Somebody new: say what this is, and offer what can be done.
async function showWelcome(problem) {
  await whoIsHere;
  const isStranger = canSignIn(me);
  const canConnect = Boolean(me.user) && me.can_connect;

  hideWeek();
  setShown($("welcome-sign-in"), isStranger);
  nameSignIn($("welcome-sign-in"), me);
  setShown($("welcome-connect"), canConnect);
  $("welcome-text").textContent = isStranger || canConnect ? "" : problem.message;
  setShown($("first-steps"), !me.user && !me.google && !me.mail);
  setShown($("welcome"), true);
}

function showProblem(problem) {
  hideWeek();
  $("problem-text").textContent = problem.message;
  setShown($("reconnect"), problem.trouble === "reconnect" && Boolean(me.user));
  setShown($("problem"), true);
}

async function load() {
  const asked = readAddress();
  const controller = new AbortController();

  if (pending) pending.abort();
  pending = controller;
  $("main").setAttribute("aria-busy", "true");
  showFileNote();
  try {
    const data = await fetchWeek(asked, controller.signal);
    show(data, asked);
    showChanges(data, asked, controller.signal);
  } catch (error) {
    if (controller.signal.aborted) return;
    if (error.isBeginning) await showWelcome(error);
    else showProblem(error);
  }
  if (pending === controller) $("main").setAttribute("aria-busy", "false");
}

// ---------------------------------------------------------------- beginning

function onKey(event) {
  const typing = event.target.closest("input, select, textarea, dialog, [contenteditable], .scroll");
  if (typing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.key === "ArrowLeft") step("previous");
  else if (event.key === "ArrowRight") step("next");
}

function prepareButtons() {
  const on = (id, action) => $(id).addEventListener("click", action);

  on("previous", () => step("previous"));
  on("next", () => step("next"));
  on("this-week", () => goTo(""));
  on("retry", load);
  on("reconnect", openConnections);
  on("welcome-connect", openConnections);
  on("welcome-sign-in", () => goToSignIn(me));
  on("welcome-sample", () => go({ ...readAddress(), isSample: true }));
  on("sample-end", () => go({ ...readAddress(), isSample: false }));
  on("people-more", () => {
    shown.showsEverybody = true;
    showPeople(shown);
  });
  $("date").addEventListener("change", () => $("date").value && goTo($("date").value));
  for (const button of document.querySelectorAll("dialog .close")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

function begin() {
  prepareButtons();
  prepareSettings((zone) => (zone ? go({ ...readAddress(), zone }) : load()));
  prepareConnections(() => {
    forgetTrend();
    load();
  });
  prepareDownloads();
  prepareFile(() => {
    forgetTrend();
    load();
  });
  showZone(readAddress().zone);
  readReturn();
  document.addEventListener("keydown", onKey);
  window.addEventListener("popstate", load);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
    () => shown && showChart(shown));
  whoIsHere = loadMe();
  load();
}

begin();
