// SPDX-License-Identifier: BSD-2-Clause
// When: which hours of which day go into meetings, and what the working hours have left.

import { $, make } from "./dom.js";
import { dayAndTime, formatDate, hoursAndMinutes, spoken } from "./words.js";

// These hours are always shown, others when there is something in them.
const FIRST_HOUR = 8;
const LAST_HOUR = 18;
// With more than these, only every other hour has room for its name.
const HOURS_NAMED = 14;

function shownHours(data) {
  const used = data.totals.hours_of_day.map((minutes, hour) => (minutes > 0 ? hour : -1))
    .filter((hour) => hour >= 0);
  const first = Math.min(FIRST_HOUR, ...used);
  const last = Math.max(LAST_HOUR, ...used);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function makeHour(minutes, hour, date) {
  const cell = make("td", {}, make("span", { class: "sr" }, minutes > 0 ? `${minutes} min` : "–"));

  cell.style.setProperty("--heat", Math.min(1, minutes / 60));
  if (minutes > 0) {
    cell.title = `${formatDate(date, { weekday: "long" })} ${hour}:00 – ${hour + 1}:00, ` +
      `${hoursAndMinutes(minutes)} in meetings`;
  }
  return cell;
}

export function showHeat(data) {
  const hours = shownHours(data);
  const row = (day) => make("tr", { class: day.date === data.week.today ? "today" : "" },
    make("th", { scope: "row" },
      make("abbr", { title: formatDate(day.date, { weekday: "long" }) },
        formatDate(day.date, { weekday: "short" }))),
    ...hours.map((hour) => makeHour(day.hours_of_day[hour], hour, day.date)));

  $("heat").classList.toggle("dense", hours.length > HOURS_NAMED);
  $("heat").replaceChildren(
    make("caption", { class: "sr" }, "Minutes in meetings, by day and hour"),
    make("thead", {}, make("tr", {}, make("td"), ...hours.map((hour) =>
      make("th", { scope: "col" }, make("span", { class: hour % 2 ? "odd" : "even" }, String(hour)))))),
    make("tbody", {}, ...data.days.map(row)));
}

function makeFact(title, value, note) {
  return make("div", { class: "fact" }, make("dt", {}, title), make("dd", {}, value),
    make("dd", { class: "note" }, note));
}

// The longest free stretch of each working day.
function makeFreeDay(day) {
  const longest = day.work.longest_free;
  const name = formatDate(day.date, { weekday: "short" });

  return make("li", {}, make("span", { class: "name" }, name),
    make("span", {}, longest ?
      `${longest.start.slice(11, 16)} – ${longest.end.slice(11, 16)}` : "nothing free"),
    make("span", { class: "quiet" }, longest ? hoursAndMinutes(longest.minutes) : ""));
}

// "40 h of work, Monday to Friday": the server knows which hours these are.
function workInWords(data) {
  const name = (day) => formatDate(day.date, { weekday: "long" });
  const days = data.days.filter((day) => day.work.minutes > 0);
  if (days.length === 0) return "no working hours";
  const first = data.days.indexOf(days[0]);
  const isRow = days.length > 2 && days.every((day, index) => data.days[first + index] === day);
  const when = isRow ? `${name(days[0])} to ${name(days[days.length - 1])}` :
    days.map(name).join(", ");
  return `${hoursAndMinutes(data.totals.work.minutes)} of work, ${when}`;
}

export function showFree(data) {
  const work = data.totals.work;
  const longest = work.longest_free;

  $("free-hours").textContent = workInWords(data);
  $("free").replaceChildren(
    makeFact("Room for focus", hoursAndMinutes(work.focusable.minutes),
      `${spoken(work.focusable.count, "stretch", "stretches")} that ${work.focusable.count === 1 ? "is" : "are"} long enough`),
    makeFact("In pieces", hoursAndMinutes(work.fragmented.minutes),
      `${spoken(work.fragmented.count, "gap", "gaps")} too short to focus`),
    makeFact("Longest free", longest ? hoursAndMinutes(longest.minutes) : "none",
      longest ? `from ${dayAndTime(longest.start)}` : "no working hour was free"),
    makeFact("After hours", hoursAndMinutes(work.after_hours_minutes), "in meetings"));
  $("free-days").replaceChildren(
    ...data.days.filter((day) => day.work.minutes > 0).map(makeFreeDay));
}
