// SPDX-License-Identifier: BSD-2-Clause
// The page of reports: ties address, lists, form, job and result together. What is chosen stands in
// the address, so that it survives a reload and can be sent to somebody.

import { readAddress, writeAddress } from "./address.js";
import * as api from "./api.js";
import { $, announce, confirmDeletion, prepareDialog, setShown } from "./dom.js";
import { asParameters, readForm, showForm, showFormProblem, valuesOfJob } from "./form.js";
import { formatWait } from "./format.js";
import { hideGraph, prepareGraph, showGraph } from "./graph.js";
import {
  EXPIRED, focusJob, hideJob, showJob, showJobProblem, showLost, showMissing, tickJob,
} from "./job.js";
import { markCurrent, showJobs, showReports, tick } from "./lists.js";
import { hideTable, showTable } from "./table.js";

// How often the list of jobs is read: often while something is in the making.
const REFRESH_BUSY_MS = 3000;
const REFRESH_CALM_MS = 15000;
// Jobs that began before we asked were somebody else's, or there already.
const JOINED_MS = 3000;

let index = null; // {user, formats, reports, jobs}
let report = null; // the chosen one, with its parameters
let job = null; // the opened one
let jobUrl = ""; // even when there is no such job any more
let values = null; // what the opened job was made with: name → list; null: nobody knows
let format = "";
let isJoined = false;
let previewOf = ""; // which result is shown
let visits = 0; // an answer to an earlier visit's question is of no use
let stopFollowing = () => {};
let refreshTimer = 0;
let isAsking = false;

function address() {
  return writeAddress({ name: report.name, url: jobUrl, values, format });
}

// ---------------------------------------------------------------- results

function hideResult() {
  previewOf = "";
  hideGraph();
  hideTable();
}

async function showResult() {
  const wanted = `${job.url} ${job.ended_ms}`;

  if (job.state !== "ready" || job.rows === 0) {
    hideResult();
    return;
  }
  if (previewOf === wanted) return;
  hideResult();
  previewOf = wanted;
  try {
    const preview = await api.readPreview(job.url);
    if (previewOf !== wanted) return;
    showGraph(preview, report.title);
    showTable(preview);
  } catch (problem) {
    if (previewOf !== wanted) return;
    previewOf = "";
    showJobProblem(`The first rows cannot be shown. ${problem.message}`);
  }
}

// ---------------------------------------------------------------- the opened job

function takeJob(news) {
  if (!job || job.state !== news.state) showJobProblem("");
  job = news;
  index.jobs = [news, ...index.jobs.filter((each) => each.url !== news.url)];
  showJobs(index.jobs, jobUrl);
  showJob(job, { title: report.title, isJoined, retentionMs: report.retention_ms });
  showResult();
}

function loseJob(problem) {
  if (problem.isPassing) {
    showLost(true);
    return;
  }
  hideResult();
  index.jobs = index.jobs.filter((each) => each.url !== jobUrl);
  showJobs(index.jobs, jobUrl);
  if (problem.status === 410 && job) {
    job = { ...job, state: "expired" };
    showJob(job, { title: report.title, isJoined, retentionMs: 0 });
    return;
  }
  job = null;
  const isExpired = problem.status === 410;
  const text = isExpired ? EXPIRED :
    "This result is not there: it was deleted, or kontor was restarted, or you may not see it. " +
    "It can be made again.";
  showMissing(`${report.title}: ${isExpired ? "expired" : "not there"}`, text);
  announce(text);
}

function follow(news) {
  stopFollowing();
  stopFollowing = () => {};
  takeJob(news);
  if (!api.isFinal(news)) stopFollowing = api.followJob(news.url, takeJob, loseJob);
}

function closeJob() {
  stopFollowing();
  stopFollowing = () => {};
  job = null;
  jobUrl = "";
  values = null;
  isJoined = false;
  hideJob();
  hideResult();
}

// What the list says of the opened job is news, too: another visitor may have extended it, deleted
// it, or made it again.
async function compareWithList() {
  const visit = visits;
  const listed = index.jobs.find((each) => each.url === jobUrl);

  if (!jobUrl || (job && !api.isFinal(job))) return; // is being followed
  if (listed) {
    if (!job || listed.state !== job.state || listed.expires_ms !== job.expires_ms ||
        listed.ended_ms !== job.ended_ms) follow(listed);
  } else if (job && job.state === "ready") {
    try {
      const news = await api.readJob(jobUrl);
      if (visit === visits) follow(news);
    } catch (problem) {
      if (visit === visits) loseJob(problem);
    }
  }
}

// ---------------------------------------------------------------- making one

function tellProblem(problem, isFromForm) {
  let text = problem.message;

  if (problem.status === 400 || problem.status === 422) {
    showFormProblem(text);
    return;
  }
  if (problem.status === 429) {
    const wait = problem.retrySeconds > 0 ? `about ${formatWait(problem.retrySeconds * 1000)}` : "a moment";
    text = `The queue is full: too many reports are waiting already. Try again in ${wait}.`;
  }
  if (isFromForm) showFormProblem(text);
  else showJobProblem(text);
}

async function makeReport(entered, isFromForm) {
  const visit = visits;
  const asked = api.serverNow();

  if (isAsking) return; // clicked twice
  isAsking = true;
  $("make").setAttribute("aria-disabled", "true");
  showJobProblem("");
  try {
    const news = await api.startJob(report.name, asParameters(report, entered.values), entered.format);
    if (visit !== visits) return;
    closeJob();
    ({ values, format } = entered);
    jobUrl = news.url;
    isJoined = !news.is_mine || news.queued_ms < asked - JOINED_MS;
    if (location.hash !== address()) history.pushState(null, "", address());
    follow(news);
    refreshSoon();
    focusJob();
  } catch (problem) {
    if (visit === visits) tellProblem(problem, isFromForm);
  } finally {
    isAsking = false;
    $("make").removeAttribute("aria-disabled");
  }
}

function makeAgain() {
  if (values) {
    makeReport({ values, format }, false);
    return;
  }
  $("report-title").focus();
  announce("Check the values, then make the report.");
}

// ---------------------------------------------------------------- what can be done with one

async function act(action) {
  const visit = visits;

  showJobProblem("");
  try {
    const news = await action();
    if (visit === visits && news) takeJob(news);
  } catch (problem) {
    if (visit !== visits) return;
    if (problem.status === 410 || problem.status === 404) loseJob(problem);
    else showJobProblem(problem.message);
  }
}

function cancel() {
  act(() => api.cancelJob(jobUrl));
}

function extend() {
  act(async () => {
    const news = await api.extendJob(jobUrl, report.retention_ms);
    announce(`Kept for ${formatWait(news.expires_ms - api.serverNow())} from now.`);
    return news;
  });
}

async function askAndDelete() {
  const url = jobUrl;
  if (!await confirmDeletion() || url !== jobUrl) return;
  await act(async () => {
    await api.deleteJob(url);
    if (url !== jobUrl) return null;
    index.jobs = index.jobs.filter((each) => each.url !== url);
    closeJob();
    showJobs(index.jobs, jobUrl);
    history.replaceState(null, "", address());
    $("report-title").focus();
    announce("The result is deleted.");
    return null;
  });
}

// ---------------------------------------------------------------- going somewhere

function showProblem(text) {
  $("main").classList.add("failed");
  $("problem-text").textContent = text;
  setShown($("problem"), true);
}

function hideProblem() {
  $("main").classList.remove("failed");
  setShown($("problem"), false);
}

// The job of the address; what went wrong instead, if it did.
async function readOpened(url) {
  try {
    return { news: await api.readJob(url) };
  } catch (problem) {
    if (problem.isPassing) throw problem;
    return { problem };
  }
}

function showOverview(isFirst) {
  report = null;
  document.title = "Reports";
  setShown($("form-card"), false);
  setShown($("hint"), true);
  markCurrent("", "");
  if (!isFirst) $("reports-title").focus();
}

function showReport(wanted, news) {
  const hasValues = wanted.values.size > 0 || report.parameters.length === 0;
  values = hasValues ? wanted.values : news ? valuesOfJob(report, news) : null;
  format = wanted.format || (news ? news.format : "") || format;
  $("report-title").textContent = report.title;
  $("report-summary").textContent = report.summary || "";
  $("report-kept").textContent = `kept for ${formatWait(report.retention_ms)}`;
  document.title = `${report.title} · Reports`;
  showForm(report, index.formats, values || new Map(), format);
  setShown($("hint"), false);
  setShown($("form-card"), true);
  markCurrent(report.name, jobUrl);
}

// Show what the address says.
async function go(isFirst) {
  const wanted = readAddress();
  const visit = ++visits;

  closeJob();
  hideProblem();
  $("main").dataset.view = wanted.name || wanted.url ? "report" : "lists";
  if (!wanted.name && !wanted.url) {
    showOverview(isFirst);
    return;
  }
  $("main").setAttribute("aria-busy", "true");
  try {
    const opened = wanted.url ? await readOpened(wanted.url) : {};
    const name = (opened.news && opened.news.report) || wanted.name;
    if (!name) throw opened.problem;
    const found = await api.readReport(name);
    if (visit !== visits) return;
    report = found;
    jobUrl = wanted.url;
    showReport(wanted, opened.news);
    if (opened.news) follow(opened.news);
    else if (opened.problem) loseJob(opened.problem);
    if (!isFirst) (jobUrl ? $("job-title") : $("report-title")).focus();
  } catch (problem) {
    if (visit !== visits) return;
    showProblem(problem.status === 404 ? "There is no such report, or you may not see it." :
      problem.message);
  } finally {
    if (visit === visits) $("main").setAttribute("aria-busy", "false");
  }
}

// ---------------------------------------------------------------- the lists

function refreshSoon() {
  const isBusy = index.jobs.some((each) => !api.isFinal(each));
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(refresh, isBusy ? REFRESH_BUSY_MS : REFRESH_CALM_MS);
}

async function refresh() {
  if (document.hidden) return; // goes on when the page is seen again
  try {
    const asked = job;
    const jobs = await api.listJobs();
    // What the event stream has said since we asked is newer.
    index.jobs = jobs.map((each) => (job !== asked && job && each.url === job.url ? job : each));
    setShown($("jobs-note"), false);
    showJobs(index.jobs, jobUrl);
    compareWithList();
  } catch (problem) {
    $("jobs-note").textContent = `This list is not up to date. ${problem.message}`;
    setShown($("jobs-note"), true);
  }
  refreshSoon();
}

// ---------------------------------------------------------------- beginning

async function load() {
  $("main").setAttribute("aria-busy", "true");
  hideProblem();
  try {
    index = await api.listReports();
    showReports(index.reports);
    showJobs(index.jobs, "");
    refreshSoon();
    await go(true);
  } catch (problem) {
    showProblem(problem.status === 404 ?
      "There are no reports here: this kontor runs without its plugin “reports”." : problem.message);
  }
  $("main").setAttribute("aria-busy", "false");
}

function everySecond() {
  tick();
  if (tickJob()) refresh(); // it should be gone: is it?
}

function begin() {
  prepareDialog();
  prepareGraph();
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const entered = readForm();
    if (entered) makeReport(entered, true);
  });
  $("cancel").addEventListener("click", cancel);
  $("extend").addEventListener("click", extend);
  $("delete").addEventListener("click", askAndDelete);
  $("again").addEventListener("click", makeAgain);
  $("retry").addEventListener("click", () => (index ? go(true) : load()));
  $("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address's hash is taken
    (report ? $("report-title") : $("reports-title")).focus();
  });
  window.addEventListener("hashchange", () => index && go(false));
  document.addEventListener("visibilitychange", () => index && !document.hidden && refresh());
  setInterval(everySecond, 1000);
  load();
}

begin();
