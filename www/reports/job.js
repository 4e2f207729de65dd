// SPDX-License-Identifier: BSD-2-Clause
// The panel of one job: how far it is, what has become of it, and what can be done with it.
// Is told of every change, and decides nothing.

import { fileAddress, isFinal, serverNow } from "./api.js";
import { $, make, setShown, setText } from "./dom.js";
import { formatBytes, formatCountdown, formatMoment, formatWait, spoken } from "./format.js";
import { detailOf, setBar, STATES } from "./lists.js";
import { announceProgress, progressText } from "./progress.js";

export const EXPIRED = "This result has expired: results are kept in memory only, and only for a time. " +
  "It can be made again.";

let shown = null;

function whoText(job, isJoined) {
  const parts = [`Asked for${job.who ? ` by ${job.who}` : ""}, ${formatMoment(job.queued_ms)}`];
  if (isJoined) parts.push(isFinal(job) ? "it was there already" : "you have joined it");
  return parts.join(" · ");
}

function readyText(job) {
  if (job.state !== "ready") return "";
  return [spoken(job.rows, "row", "rows"), formatBytes(job.bytes),
    job.started_ms > 0 ? `made in ${formatWait(job.ended_ms - job.started_ms)}` : ""]
    .filter(Boolean).join(" · ");
}

// What to say loudly: [kind of notice, text].
function messageOf(job) {
  switch (job.state) {
  case "ready":
    return job.rows > 0 ? null :
      ["warning", "The report is empty: nothing matches these values. " +
        "Change them above and make another one."];
  case "failed":
    return ["error", `The report could not be made. ${job.reason || "Nobody knows why."}`];
  case "cancelled":
    return ["warning", job.reason ? `The report was cancelled. ${job.reason}` : "The report was cancelled."];
  case "expired":
    return ["warning", EXPIRED];
  default:
    return null;
  }
}

function showMessage(message) {
  setShown($("job-message"), Boolean(message));
  if (!message) return;
  $("job-message").className = `notice ${message[0]}`;
  setText($("job-message"), message[1]);
}

function showActions(job, retentionMs) {
  const isReady = job.state === "ready";
  const isOver = isFinal(job) && !isReady;

  setShown($("download"), isReady);
  if (isReady) {
    $("download").href = fileAddress(job.url);
    setText($("download"), `Download ${job.format.toUpperCase()}`);
  } else {
    $("download").removeAttribute("href");
  }
  setShown($("again"), isOver);
  setText($("again"), job.state === "failed" ? "Try again" : "Make it again");
  setShown($("cancel"), !isFinal(job) && job.can_cancel);
  setShown($("extend"), isReady && retentionMs > 0);
  setText($("extend"), `Keep it for ${formatWait(retentionMs)} from now`);
  setShown($("delete"), isFinal(job) && job.state !== "expired" && job.can_delete);
}

// Who stood on a button that is gone now finds himself at the panel's beginning.
function keepFocus(before) {
  if (before && $("job").contains(before) && before.closest("[hidden]")) focusJob();
}

export function focusJob() {
  $("job-title").focus();
}

// title: the report's, for a heading that is short.
export function showJob(job, { title, isJoined, retentionMs }) {
  const focused = document.activeElement;
  const isMaking = !isFinal(job);

  shown = job;
  setShown($("job"), true);
  setText($("job-title"), `${title || job.title}: ${STATES[job.state] || job.state}`);
  setText($("job-detail"), job.parameters ? "" : detailOf(job, title));
  setText($("job-who"), job.queued_ms > 0 ? whoText(job, isJoined) : "");
  $("job-parameters").replaceChildren(...(job.parameters || []).filter(({ value }) => value)
    .map(({ label, value }) => make("div", {}, make("dt", {}, label), make("dd", {}, value))));
  setShown($("job-progress"), isMaking);
  const text = isMaking ? progressText(job) : "";
  setText($("job-text"), text);
  setBar($("job-bar"), job);
  setText($("job-ready"), readyText(job));
  setShown($("job-lost"), false);
  showMessage(messageOf(job));
  showActions(job, retentionMs);
  announceProgress({ ...job, title: title || job.title }, text);
  tickJob();
  keepFocus(focused);
}

// Not there, and nobody knows what it was: deleted, or another's.
export function showMissing(title, text) {
  const focused = document.activeElement;

  shown = null;
  setShown($("job"), true);
  setText($("job-title"), title);
  for (const id of ["job-who", "job-detail", "job-text", "job-ready", "job-left"]) setText($(id), "");
  $("job-parameters").replaceChildren();
  for (const id of ["job-progress", "job-lost", "download", "cancel", "extend", "delete"]) {
    setShown($(id), false);
  }
  setShown($("again"), true);
  setText($("again"), "Make it again");
  showMessage(["warning", text]);
  keepFocus(focused);
}

export function showLost(isLost) {
  setShown($("job-lost"), isLost);
}

export function showJobProblem(text) {
  setText($("job-problem"), text);
  setShown($("job-problem"), text !== "");
}

export function hideJob() {
  shown = null;
  setShown($("job"), false);
  showJobProblem("");
}

// Once a second. Returns whether the time of what is shown has run out.
export function tickJob() {
  const isReady = shown !== null && shown.state === "ready";
  const left = isReady ? shown.expires_ms - serverNow() : 0;

  if (shown && shown.state === "running") setText($("job-text"), progressText(shown));
  setText($("job-left"), isReady && left > 0 ? `Kept for another ${formatCountdown(left)}.` : "");
  return isReady && left <= 0;
}
