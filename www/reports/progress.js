// SPDX-License-Identifier: BSD-2-Clause
// How far a job is, in words: an estimate of the time that it still needs, and what a screen reader
// is told of it, which is little: the beginning, each quarter or ten seconds, and the end.

import { isFinal, serverNow } from "./api.js";
import { announce } from "./dom.js";
import { formatCount, formatWait, spoken } from "./format.js";

// Rows of the last so many milliseconds tell the speed.
const SPEED_SPAN_MS = 10000;
const SPEED_LEAST_MS = 1000;
const QUIET_MS = 3000;
const SAY_MS = 10000;

let samples = []; // {at, done} of one job and phase
let sampled = "";
let said = { url: "", state: "", quarter: 0, at: 0 };

function noteSample(job) {
  const about = `${job.url} ${job.started_ms} ${job.phase}`;
  const now = performance.now();

  if (about !== sampled) samples = [];
  sampled = about;
  samples.push({ at: now, done: job.done });
  while (samples.length > 2 && samples[1].at < now - SPEED_SPAN_MS) samples.shift();
}

// Milliseconds until the end of the phase; null when nobody can know.
function estimateRest(job) {
  const first = samples[0];
  const last = samples[samples.length - 1];
  let speed = 0;

  if (job.total <= 0 || job.done <= 0) return null;
  if (last.at - first.at >= SPEED_LEAST_MS) speed = (last.done - first.done) / (last.at - first.at);
  else if (job.phase === "rows") speed = job.done / Math.max(1, serverNow() - job.started_ms);
  return speed > 0 ? Math.max(0, job.total - job.done) / speed : null;
}

function runningText(job) {
  const parts = [];
  const rest = estimateRest(job);

  if (job.phase === "packing") {
    parts.push("Writing the file");
    if (job.total > 0) parts.push(`${Math.floor(job.done / job.total * 100)} %`);
  } else if (job.total > 0) {
    parts.push(`${formatCount(job.done)} of ${spoken(job.total, "row", "rows")}`);
  } else if (job.done > 0) {
    parts.push(`${spoken(job.done, "row", "rows")} so far`);
  } else {
    parts.push("Asking the database");
  }
  if (rest !== null) parts.push(`about ${formatWait(rest)} left`);
  else if (job.started_ms > 0) parts.push(`for ${formatWait(serverNow() - job.started_ms)}`);
  return parts.join(" · ");
}

// Call it for each news of the job: it measures the speed, too.
export function progressText(job) {
  if (job.state === "queued") {
    return job.position > 0 ? `Waiting: number ${formatCount(job.position)} in the queue` : "Waiting";
  }
  noteSample(job);
  return runningText(job);
}

function finalWords(job) {
  switch (job.state) {
  case "ready":
    return job.rows > 0 ? `${job.title} is ready: ${spoken(job.rows, "row", "rows")}.` :
      `${job.title} is ready, but empty.`;
  case "failed": return `${job.title} has failed. ${job.reason}`;
  case "cancelled": return `${job.title} was cancelled.`;
  default: return `${job.title} has expired.`;
  }
}

export function announceProgress(job, text) {
  const now = performance.now();
  const quarter = job.total > 0 ? Math.floor(4 * job.done / job.total) : 0;
  const isNew = job.url !== said.url || job.state !== said.state;
  const isDue = now - said.at >= SAY_MS || (quarter > said.quarter && now - said.at >= QUIET_MS);

  if (!isNew && (isFinal(job) || !isDue)) return;
  said = { url: job.url, state: job.state, quarter, at: now };
  if (isFinal(job)) announce(finalWords(job));
  else announce(isNew && job.state === "running" ? `${job.title} is being made. ${text}` : text);
}
