// SPDX-License-Identifier: BSD-2-Clause
// The weeks before the one that is shown: a small chart to walk along, and what has changed. They
// are fetched after the week itself, so that nobody waits for them.

import { fetchWeek } from "./api.js";
import { $, make, setShown } from "./dom.js";
import { addDays, formatDate, hoursAndMinutes, spoken } from "./words.js";

const WEEKS_BEFORE = 5;
// Who steps through weeks quickly doesn't ask for the trend of each.
const PAUSE_MS = 250;

// Weeks before this one, as they were when the page first asked; what is shown itself is always
// asked for anew.
const known = new Map();

export function forgetTrend() {
  known.clear();
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

async function weekOf(asked, signal) {
  const key = JSON.stringify(asked);
  if (!known.has(key)) known.set(key, await fetchWeek(asked, signal));
  return known.get(key);
}

// "1 h more in meetings than the week before".
function makeChange(now, before, what, since) {
  const difference = now - before;
  if (difference === 0) return make("li", {}, `As much ${what} as ${since}`);
  return make("li", {}, make("strong", {},
    `${hoursAndMinutes(Math.abs(difference))} ${difference > 0 ? "more" : "less"}`),
  ` ${what} than ${since}`);
}

function newPeople(data, earlier) {
  const met = new Set(earlier.flatMap((week) => week.people.map((person) => person.address)));
  return data.people.filter((person) => !met.has(person.address));
}

function showChange(data, earlier) {
  const last = earlier[earlier.length - 1];
  const mean = Math.round(earlier.slice(-4)
    .reduce((sum, week) => sum + week.totals.meetings.real_minutes, 0) / 4);
  const now = data.totals.meetings.real_minutes;
  const fresh = newPeople(data, earlier);
  const focus = data.totals.work.focusable.minutes;
  const names = fresh.slice(0, 3).map((person) => person.name).join(", ");

  $("change").replaceChildren(
    makeChange(now, last.totals.meetings.real_minutes, "in meetings", "the week before"),
    makeChange(now, mean, "in meetings", "the average of the four weeks before"),
    makeChange(focus, last.totals.work.focusable.minutes, "free for focus", "the week before"));
  if (fresh.length > 0) {
    $("change").append(make("li", {}, make("strong", {}, spoken(fresh.length, "new person", "new people")),
      `: ${names}${fresh.length > 3 ? " …" : ""}`));
  }
}

function makeBar(week, most, go) {
  const { meetings } = week.totals;
  const day = formatDate(week.week.first_date, { day: "numeric", month: "short" });
  const bar = make("span", { class: "column", "aria-hidden": "true" }, make("span"));
  const button = make("button", { type: "button", class: "week", "aria-label":
    `Week of ${day}: ${hoursAndMinutes(meetings.real_minutes)} in ${spoken(meetings.count, "meeting", "meetings")}` },
  make("span", { class: "amount" }, `${(meetings.real_minutes / 60).toFixed(1)} h`), bar,
  make("span", { class: "quiet" }, day));

  bar.firstChild.style.setProperty("--share", `${most > 0 ? meetings.real_minutes / most * 100 : 0}%`);
  button.addEventListener("click", () => go(week.week.first_date));
  return make("li", {}, button);
}

function showBars(weeks, shown, go) {
  const most = Math.max(...weeks.map((week) => week.totals.meetings.real_minutes));
  const bars = weeks.map((week) => makeBar(week, most, go));

  bars[weeks.indexOf(shown)].firstChild.setAttribute("aria-current", "true");
  $("trend").replaceChildren(...bars);
}

function showNothing(text) {
  $("trend").replaceChildren();
  $("change").replaceChildren(make("li", { class: "empty" }, text));
}

// data: the week that is shown; asked: how it was asked for; go: called with a date.
export async function showTrend(data, asked, go, signal) {
  setShown($("trend-card"), true);
  $("trend-card").setAttribute("aria-busy", "true");
  try {
    await pause(PAUSE_MS, signal);
    const dates = Array.from({ length: WEEKS_BEFORE },
      (_, index) => addDays(data.week.first_date, 7 * (index - WEEKS_BEFORE)));
    const earlier = await Promise.all(dates.map((date) => weekOf({ ...asked, date }, signal)));
    showChange(data, earlier);
    showBars([...earlier, data], data, go);
  } catch (error) {
    if (signal.aborted) return;
    showNothing("The weeks before can't be read now.");
  }
  $("trend-card").setAttribute("aria-busy", "false");
}
