// SPDX-License-Identifier: BSD-2-Clause
// The two lists: reports that one may see, and their results in the making and ready. Entries are
// kept when the lists are read again, so that nobody loses the place where they are.

import { serverNow } from "./api.js";
import { $, make, setShown, setText } from "./dom.js";
import { formatCount, formatCountdown, formatMoment, spoken } from "./format.js";

export const STATES = {
  queued: "waiting",
  running: "in the making",
  ready: "ready",
  failed: "failed",
  cancelled: "cancelled",
  expired: "expired",
};

const entries = new Map(); // a job's url → its parts
const titles = new Map(); // a report's name → its title

export function addressOfReport(name) {
  return `#${new URLSearchParams({ report: name })}`;
}

function addressOfJob(job) {
  return `#${new URLSearchParams({ report: job.report, job: job.url })}`;
}

// ---------------------------------------------------------------- reports

export function showReports(reports) {
  for (const report of reports) titles.set(report.name, report.title);
  $("reports").replaceChildren(...reports.map((report) => make("li", {},
    make("a", { class: "entry", href: addressOfReport(report.name), "data-report": report.name },
      make("span", { class: "name" }, report.title),
      make("span", { class: "about" }, report.summary || "")))));
  if (reports.length === 0) {
    $("reports").append(make("li", { class: "empty" }, "There are no reports that you may see."));
  }
}

// ---------------------------------------------------------------- jobs

function makeEntry() {
  const entry = {
    name: make("span", { class: "name" }),
    state: make("span", { class: "state" }),
    about: make("span", { class: "about" }),
    bar: make("progress", { "aria-hidden": "true" }),
    left: make("span", { class: "left" }),
  };
  entry.link = make("a", { class: "entry" }, entry.name, entry.state, entry.about, entry.bar,
    entry.left);
  entry.item = make("li", {}, entry.link);
  return entry;
}

export function setBar(bar, job) {
  if (job.state === "running" && job.total > 0) {
    bar.max = job.total;
    bar.value = Math.min(job.done, job.total);
    bar.textContent = `${Math.floor(job.done / job.total * 100)} %`;
  } else {
    bar.removeAttribute("value"); // nobody knows how far
    bar.textContent = "";
  }
}

// What a job's title has beside its report's: "From: 2026-11-01".
export function detailOf(job, title) {
  const isLonger = title && job.title.startsWith(title);
  return isLonger ? job.title.slice(title.length).replace(/^[\s–:,-]+/, "") : "";
}

function filtersOf(job, title) {
  return job.parameters ? job.parameters.map(({ value }) => value).filter(Boolean).join(" · ") :
    detailOf(job, title);
}

function progressOf(job) {
  const isRunning = job.state === "running";

  if (job.state === "queued" && job.position > 0) return `number ${formatCount(job.position)} in the queue`;
  if (isRunning && job.total > 0) return `${Math.floor(job.done / job.total * 100)} %`;
  if (isRunning && job.done > 0) return spoken(job.done, "row", "rows");
  if (job.state === "ready") return spoken(job.rows, "row", "rows");
  return "";
}

function update(entry, job, isCurrent) {
  const title = titles.get(job.report) || job.title;
  const about = [filtersOf(job, title), job.who && `by ${job.who}`,
    formatMoment(job.ended_ms || job.started_ms || job.queued_ms), job.format.toUpperCase(),
    progressOf(job)];

  entry.link.href = addressOfJob(job);
  if (isCurrent) entry.link.setAttribute("aria-current", "true");
  else entry.link.removeAttribute("aria-current");
  setText(entry.name, title);
  setText(entry.state, STATES[job.state] || job.state);
  entry.state.className = `state state-${job.state}`;
  setText(entry.about, about.filter(Boolean).join(" · "));
  setShown(entry.bar, job.state === "running");
  setBar(entry.bar, job);
  setShown(entry.left, job.state === "ready");
  if (job.state === "ready") entry.left.dataset.until = String(job.expires_ms);
  else delete entry.left.dataset.until;
}

// The newest first; those in the making before all others.
function order(a, b) {
  const isMaking = (job) => Number(job.state === "queued" || job.state === "running");
  return isMaking(b) - isMaking(a) || b.queued_ms - a.queued_ms;
}

export function showJobs(jobs, currentUrl) {
  const listed = jobs.filter((job) => job.state !== "expired").sort(order);
  const urls = new Set(listed.map((job) => job.url));

  for (const [url, entry] of entries) {
    if (urls.has(url)) continue;
    entry.item.remove();
    entries.delete(url);
  }
  listed.forEach((job, index) => {
    if (!entries.has(job.url)) entries.set(job.url, makeEntry());
    const entry = entries.get(job.url);
    update(entry, job, job.url === currentUrl);
    const place = $("jobs").children[index];
    if (place !== entry.item) $("jobs").insertBefore(entry.item, place || null);
  });
  setShown($("jobs-empty"), listed.length === 0);
  tick();
}

export function markCurrent(reportName, jobUrl) {
  for (const link of $("reports").querySelectorAll("a")) {
    if (link.dataset.report === reportName) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const [url, { link }] of entries) {
    if (url === jobUrl) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

// Once a second: how long each is still kept.
export function tick() {
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = Number(element.dataset.until) - serverNow();
    setText(element, left > 0 ? `${formatCountdown(left)} left` : "expired");
  }
}
