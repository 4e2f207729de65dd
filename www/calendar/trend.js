// SPDX-License-Identifier: BSD-2-Clause
// The weeks before the one that is shown: a small chart to walk along, and what has changed. They
// are fetched after the week itself, so that nobody waits for them.

import { fetchRange, fetchWeek } from "./api.js";
import { $, make, setShown } from "./dom.js";
import { addDays, formatDate, hoursAndMinutes, spoken } from "./words.js";

const WEEKS_BEFORE = 5;
const WEEK_DAYS = 7;
// Who steps through weeks quickly doesn't ask for the trend of each.
const PAUSE_MS = 250;
const NEW_PEOPLE_NAMED = 3;

// Real minutes of weeks before, by how they were asked for; what is shown itself is always asked
// for anew.
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

// The weeks before as {date, minutes}, in one question.
async function fetchBefore(firstDate, asked, signal) {
  const key = JSON.stringify([firstDate, asked.zone, asked.isSample]);
  if (known.has(key)) return known.get(key);
  const { days } = await fetchRange(asked, addDays(firstDate, -WEEKS_BEFORE * WEEK_DAYS),
    addDays(firstDate, -1), signal);
  const weeks = Array.from({ length: WEEKS_BEFORE }, (_, index) => {
    const own = days.slice(index * WEEK_DAYS, (index + 1) * WEEK_DAYS);
    return { date: own[0].date, minutes: own.reduce((sum, day) => sum + day.real_minutes, 0) };
  });
  known.set(key, weeks);
  return weeks;
}

// "1 h more in meetings than the week before".
function makeChange(now, before, what, since) {
  const difference = now - before;
  if (difference === 0) return make("li", {}, `As much ${what} as ${since}`);
  return make("li", {}, make("strong", {},
    `${hoursAndMinutes(Math.abs(difference))} ${difference > 0 ? "more" : "less"}`),
  ` ${what} than ${since}`);
}

function makeNewPeople(data, comparison) {
  const names = new Map(data.people.map((person) => [person.address, person.name]));
  const named = comparison.new_people.slice(0, NEW_PEOPLE_NAMED)
    .map((address) => names.get(address) || address);
  const isMore = comparison.new_people_total > named.length;

  return make("li", {}, make("strong", {},
    spoken(comparison.new_people_total, "new person", "new people")),
  `: ${named.join(", ")}${isMore ? " …" : ""}`);
}

function showChange(data, comparison) {
  const { real_minutes: real, focusable_minutes: focus, after_hours_minutes: late } = comparison;

  $("change").replaceChildren(
    makeChange(real.now, real.last, "in meetings", "the week before"),
    makeChange(real.now, real.mean, "in meetings", "the average of the four weeks before"),
    makeChange(focus.now, focus.last, "free for focus", "the week before"));
  if (late.now !== late.last) {
    $("change").append(makeChange(late.now, late.last, "after hours", "the week before"));
  }
  if (comparison.new_people_total > 0) $("change").append(makeNewPeople(data, comparison));
}

function makeBar(week, most, go) {
  const day = formatDate(week.date, { day: "numeric", month: "short" });
  const bar = make("span", { class: "column", "aria-hidden": "true" }, make("span"));
  // Read in this order; the look has the amount on top.
  const button = make("button", { type: "button", class: "week" },
    make("span", { class: "quiet" }, make("span", { class: "sr" }, "Week of "), day), " ",
    make("span", { class: "amount" }, `${(week.minutes / 60).toFixed(1)} h`,
      make("span", { class: "sr" }, " in meetings")), bar);

  bar.firstChild.style.setProperty("--share", `${most > 0 ? week.minutes / most * 100 : 0}%`);
  button.addEventListener("click", () => go(week.date));
  return make("li", {}, button);
}

function showBars(weeks, go) {
  const most = Math.max(...weeks.map((week) => week.minutes));
  const bars = weeks.map((week) => makeBar(week, most, go));

  bars[bars.length - 1].firstChild.setAttribute("aria-current", "true");
  $("trend").replaceChildren(...bars);
}

function showNothing(text) {
  $("trend").replaceChildren();
  $("change").replaceChildren(make("li", { class: "empty" }, text));
}

// data: the week that is shown; asked: how it was asked for; go: called with a date. Resolves to
// the comparison, or to null.
export async function showTrend(data, asked, go, signal) {
  const date = data.week.first_date;
  const now = { date, minutes: data.totals.meetings.real_minutes };
  let comparison = null;

  setShown($("trend-card"), true);
  $("trend-card").setAttribute("aria-busy", "true");
  try {
    await pause(PAUSE_MS, signal);
    const [compared, before] = await Promise.all([
      fetchWeek({ ...asked, date }, signal, { compare: "1" }), fetchBefore(date, asked, signal)]);
    ({ comparison } = compared);
    showChange(data, comparison);
    showBars([...before, now], go);
  } catch {
    if (signal.aborted) return null;
    showNothing("The weeks before can't be read now.");
  }
  $("trend-card").setAttribute("aria-busy", "false");
  return comparison;
}
