// SPDX-License-Identifier: BSD-2-Clause
// What kontor is asked over HTTP, below the place where it is mounted: lists, jobs, previews. Turns
// every failure into a Problem that people can read. Knows nothing of the page.

const ROOT = new URL("../api/reports/", document.baseURI);
// After so many ends of the event stream without an event, polling is all that is done.
const STREAM_TRIES = 3;
const POLL_MS = 2000;
// A stream that says nothing for so long may be held back by a proxy: have a look.
const SILENCE_MS = 6000;
// Clocks that differ by less are taken for the same; the Date header has whole seconds.
const CLOCK_TOLERANCE_MS = 2000;

let clockOffset = 0;

// The time by the server's clock, which the times of jobs are from.
export function serverNow() {
  return Date.now() + clockOffset;
}

export class Problem extends Error {
  constructor(status, text, retrySeconds = 0) {
    super(text);
    this.status = status; // 0: no answer at all
    this.retrySeconds = retrySeconds;
  }

  // Whether asking again may help.
  get isPassing() {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

function noteClock(response) {
  const offset = Date.parse(response.headers.get("Date")) + 500 - Date.now();
  if (Number.isFinite(offset)) clockOffset = Math.abs(offset) > CLOCK_TOLERANCE_MS ? offset : 0;
}

async function problemOf(response) {
  const said = await response.json().catch(() => null);
  const text = (said && (said.detail || said.title)) ||
    `The server answered with an error (${response.status}). Try again in a moment.`;
  return new Problem(response.status, text, Number(response.headers.get("Retry-After")) || 0);
}

async function ask(path, { method = "GET", body, headers = {} } = {}) {
  let response;

  try {
    response = await fetch(new URL(path, ROOT), {
      method,
      cache: "no-store",
      headers: {
        Accept: "application/json",
        // Other sites cannot send this header.
        ...(method === "GET" ? {} : { "X-Requested-With": "kontor" }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, "The server cannot be reached. Check the connection and try again.");
  }
  noteClock(response);
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function askJson(path, options) {
  const response = await ask(path, options);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw new Problem(502, "The server's answer cannot be understood. Try again in a moment.");
  }
}

export function listReports() {
  return askJson("");
}

export async function listJobs() {
  return (await askJson("jobs")).jobs;
}

export function readReport(name) {
  return askJson(encodeURIComponent(name));
}

export function readJob(url) {
  return askJson(url);
}

export function readPreview(url) {
  return askJson(`${url}/preview`);
}

// Ask for a report. Who asks for one that is in the making, or ready, gets that one.
export async function startJob(name, parameters, format) {
  const response = await ask(`${encodeURIComponent(name)}/jobs`, {
    method: "POST",
    body: { parameters, format },
    headers: { Prefer: "respond-async" },
  });
  const file = response.redirected && response.url.match(/\/(jobs\/[^/]+\/[^/]+)\/file$/);
  if (!file) return response.json();
  await response.body.cancel(); // ready at once: the file itself is not wanted yet
  return readJob(file[1]);
}

export function cancelJob(url) {
  return askJson(`${url}/cancel`, { method: "POST" });
}

export function extendJob(url, retentionMs) {
  return askJson(`${url}/extend`, { method: "POST", body: { retention_ms: retentionMs } });
}

export function deleteJob(url) {
  return ask(url, { method: "DELETE" });
}

export function fileAddress(url) {
  return new URL(`${url}/file`, ROOT).href;
}

export function isFinal(job) {
  return job.state !== "queued" && job.state !== "running";
}

// Follow a job until its final state: by server-sent events, and by polling where these don't get
// through. onProblem is told of everything; what is not passing ends it. Returns a function that
// ends it.
export function followJob(url, onJob, onProblem) {
  let source = null;
  let timer = 0;
  let failures = 0;
  let isStopped = false;

  function stop() {
    isStopped = true;
    clearTimeout(timer);
    if (source) source.close();
  }

  function wait(what, milliseconds) {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(what, milliseconds);
  }

  function take(job) {
    if (isStopped) return;
    if (isFinal(job)) stop();
    onJob(job);
  }

  async function look() {
    try {
      take(await readJob(url));
    } catch (problem) {
      if (isStopped) return;
      if (!problem.isPassing) stop();
      onProblem(problem);
    }
    if (source && source.readyState !== EventSource.CLOSED) wait(look, SILENCE_MS);
    else wait(failures < STREAM_TRIES ? listen : look, POLL_MS);
  }

  function listen() {
    source = new EventSource(new URL(`${url}/events`, ROOT));
    source.addEventListener("job", (event) => {
      failures = 0;
      wait(look, SILENCE_MS);
      take(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      source.close();
      failures += 1;
      look();
    });
    wait(look, SILENCE_MS);
  }

  listen();
  return stop;
}
