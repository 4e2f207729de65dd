// SPDX-License-Identifier: BSD-2-Clause
// The page of the weekly mail: shows what is chosen, sends what is changed. Nothing is kept here.

const API = "../api/mailer/";
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const byId = (id) => document.getElementById(id);
const form = byId("settings");

/** Ask kontor; the answer's JSON, or an Error with words for people. */
async function ask(path, body) {
  let response;
  try {
    response = await fetch(API + path, body === undefined ? { cache: "no-store" } : {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  } catch {
    throw new Error("kontor can't be reached. Check your connection and try again.");
  }
  const answer = await response.json().catch(() => ({}));
  byId("sign-in").hidden = response.status !== 401;
  if (!response.ok) throw new Error(answer.detail ?? `kontor answered ${response.status}.`);
  return answer;
}

function say(id, text) {
  for (const other of ["problem", "notice"]) byId(other).hidden = other !== id || !text;
  if (id) byId(id).textContent = text;
}

function fill(select, values, words) {
  select.replaceChildren(...values.map((value) => new Option(words(value), value)));
}

function fillChoices(settings) {
  const zones = new Set(Intl.supportedValuesOf?.("timeZone") ?? []);
  zones.add("UTC").add(settings.zone).add(Intl.DateTimeFormat().resolvedOptions().timeZone);
  fill(form.zone, [...zones].sort(), (zone) => zone.replaceAll("_", " "));
  fill(form.day, DAYS, (day) => day[0].toUpperCase() + day.slice(1));
  fill(form.hour, [...Array(24).keys()], (hour) => `${String(hour).padStart(2, "0")}:00`);
}

function when(seconds, zone) {
  return new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "short", timeZone: zone })
    .format(new Date(seconds * 1000));
}

const LAST = {
  sent: (last, zone) =>
    `The last mail went out on ${when(last.at, zone)}${last.text ? `, but ${last.text}` : ""}.`,
  failed: (last) => `The last mail could not be sent: ${last.text}.`,
  skipped: (last) => `The last mail was left out: ${last.text}.`,
  waiting: (last) => `The mail of this week is tried again soon: ${last.text}.`,
  claimed: () => "The mail of this week is on its way.",
};

function show(settings) {
  const isNew = !settings.address && !settings.on;
  fillChoices(settings);
  form.on.checked = settings.on;
  form.address.value = settings.address;
  form.day.value = settings.day;
  form.hour.value = settings.hour;
  form.zone.value = isNew ? Intl.DateTimeFormat().resolvedOptions().timeZone : settings.zone;
  byId("unverified").hidden = settings.verified || !settings.address;
  byId("next").textContent = settings.next ? `The next one: ${when(settings.next, settings.zone)}.` : "";
  byId("last").textContent = settings.last ? LAST[settings.last.state](settings.last, settings.zone) : "";
  form.hidden = false;
}

let stored = {};

/** Do something with all buttons off, and say how it went. */
async function attempt(action) {
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  say(null);
  try {
    await action();
  } catch (error) {
    say("problem", error.message);
  } finally {
    for (const button of buttons) button.disabled = false;
    byId("now").disabled = !stored.verified;
    byId("main").removeAttribute("aria-busy");
  }
}

// Who has signed in with an address will want the mail there.
async function suggestAddress() {
  const response = await fetch("../api/calendar/me", { cache: "no-store" }).catch(() => null);
  const me = response?.ok ? await response.json() : {};
  if (!form.address.value && me.user?.includes("@")) form.address.value = me.user;
}

async function load() {
  stored = await ask("settings");
  show(stored);
  if (!stored.address) await suggestAddress();
}

async function save(withAddress) {
  const wish = { on: form.on.checked, day: form.day.value, hour: Number(form.hour.value),
    zone: form.zone.value };
  if (withAddress && form.address.value) wish.address = form.address.value;
  stored = await ask("settings", wish);
  show(stored);
  say("notice", stored.verified || !stored.address ? "Saved."
    : `Saved. Open the link in the mail that was sent to ${stored.address}.`);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => save(form.address.value !== stored.address));
});
byId("again").addEventListener("click", () => attempt(() => save(true)));
byId("now").addEventListener("click", () => attempt(async () => {
  await ask("send", {});
  say("notice", `A mail is on its way to ${stored.address}.`);
}));

attempt(load);
