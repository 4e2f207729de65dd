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

async function ask(path, { body, signal } = {}) {
  const isPost = body !== undefined;
  let response;

  try {
    response = await fetch(new URL(path, ROOT), {
      method: isPost ? "POST" : "GET",
      cache: "no-store",
      signal,
      headers: { Accept: "application/json", ...(isPost ? { "Content-Type": "application/json" } : {}) },
      body: isPost ? JSON.stringify(body) : undefined,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server cannot be reached. Check the connection and try again.");
  }
  if (response.status === 204) return null;
  const said = await response.json().catch(() => null);
  if (response.ok && said) return said;
  throw new Problem(response.status, (said && (said.detail || said.title)) ||
    `The server answered with an error (${response.status}). Try again in a moment.`,
  response.headers.get("X-Calendar-Trouble") || "");
}

// asked: {date, zone, weekStart, isSample}; what is empty is left to the server.
export function fetchWeek(asked, signal) {
  const query = new URLSearchParams();
  if (asked.date) query.set("date", asked.date);
  if (asked.zone) query.set("tz", asked.zone);
  if (asked.weekStart) query.set("week_start", asked.weekStart);
  if (asked.isSample) query.set("sample", "1");
  return ask(`week?${query}`, { signal });
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
