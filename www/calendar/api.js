// SPDX-License-Identifier: BSD-2-Clause
// What kontor is asked over HTTP, below the place where the page is. Turns every failure into a
// Problem that people can read. Knows nothing of the page.

const ROOT = new URL("api/calendar/", document.baseURI);

export class Problem extends Error {
  constructor(status, text, trouble = "") {
    super(text);
    this.status = status; // 0: no answer at all
    this.trouble = trouble; // the calendar's: "reconnect", "busy" …
  }

  // There is nobody, or nothing connected: nothing went wrong.
  get isBeginning() {
    return this.trouble === "" && (this.status === 401 || this.status === 404);
  }
}

// What goes along: JSON, or a calendar file as it is.
function makeBody({ body, file }) {
  if (file) return { method: "POST", body: file, headers: { "Content-Type": "text/calendar" } };
  if (body === undefined) return { method: "GET", headers: {} };
  return {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  };
}

async function send(path, options) {
  const { headers, ...rest } = makeBody(options);

  try {
    return await fetch(new URL(path, ROOT), {
      ...rest, cache: "no-store", signal: options.signal, headers: { Accept: "application/json", ...headers },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server cannot be reached. Check the connection and try again.");
  }
}

async function ask(path, options = {}) {
  const response = await send(path, options);

  if (response.status === 204) return null;
  const said = await response.json().catch(() => null);
  if (response.ok && said) return said;
  throw new Problem(response.status, (said && (said.detail || said.title)) ||
    `The server answered with an error (${response.status}). Try again in a moment.`,
  response.headers.get("X-Calendar-Trouble") || "");
}

function makeQuery(asked, more) {
  const query = new URLSearchParams(more);
  if (asked.zone) query.set("tz", asked.zone);
  if (asked.isSample) query.set("sample", "1");
  return query;
}

// asked: {date, zone, weekStart, isSample, file}; what is empty is left to the server.
export function fetchWeek(asked, signal, more = {}) {
  const query = makeQuery(asked, more);
  if (asked.date) query.set("date", asked.date);
  if (asked.weekStart) query.set("week_start", asked.weekStart);
  return ask(`week?${query}`, { signal, file: asked.file });
}

// Any days in a row, the last one included.
export function fetchRange(asked, from, to, signal) {
  return ask(`range?${makeQuery(asked, { from, to })}`, { signal, file: asked.file });
}

// Where a week's table is: events, people, days or series, as CSV.
export function exportAddress(asked, rows, week) {
  const span = { what: rows, from: week.first_date, to: week.last_date };
  return new URL(`export?${makeQuery({ ...asked, zone: week.timezone }, span)}`, ROOT).href;
}

// The same of a file that has to go along.
export async function fetchExport(asked, rows, week) {
  const response = await send(exportAddress(asked, rows, week), { file: asked.file });
  if (!response.ok) throw new Problem(response.status, "The table can't be made now. Try again in a moment.");
  return response.blob();
}

export function fetchMe() {
  return ask("me");
}

export function saveMe(settings) {
  return ask("me", { body: settings });
}

export function signOut(everywhere) {
  return ask("sign-out", { body: { everywhere } });
}

export function deleteMe() {
  return ask("delete-me", { body: { delete: true } });
}

export async function fetchConnections() {
  return (await ask("connections")).connections;
}

// kind: "caldav" or "url"; fields as the server wants them.
export async function connect(kind, fields) {
  return (await ask(`connect/${kind}`, { body: fields })).connections;
}

export async function choose(id, chosen) {
  return (await ask("choose", { body: { id, chosen } })).connections;
}

export async function disconnect(id) {
  return (await ask("disconnect", { body: { id } })).connections;
}

// Where Google's consent begins; the browser goes there itself.
export function googleAddress() {
  return new URL("connect/google", ROOT).href;
}
