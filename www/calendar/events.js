// SPDX-License-Identifier: BSD-2-Clause
// What was on, day by day.

import { $, make } from "./dom.js";
import { APART, KINDS, formatDate, hoursAndMinutes, spoken } from "./words.js";

function aboutEvent(event) {
  const parts = [];

  if (KINDS[event.kind] && event.kind !== "one_off") parts.push(KINDS[event.kind]);
  if (APART[event.kind]) parts.push(`${APART[event.kind]}, not counted`);
  if (event.people > 0) parts.push(`with ${spoken(event.people, "other", "others")}`);
  if (event.large) parts.push("very large");
  const text = parts.join(" · ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function makeEvent(event, day) {
  const startDay = event.start.slice(0, 10);
  const endDay = event.end.slice(0, 10);
  const from = event.start.slice(11, 16);
  const to = event.end.slice(11, 16);
  const begins = startDay === day ? from : `${formatDate(startDay, { weekday: "short" })} ${from}`;
  const ends = endDay === day ? to : `${to} ${formatDate(endDay, { weekday: "short" })}`;

  return make("li", { class: `event tone-${event.kind}${APART[event.kind] ? " left-out" : ""}` },
    make("span", { class: "time" }, `${begins} – ${ends}`),
    make("span", { class: "title" }, event.summary || "(no title)"),
    make("span", { class: "length" }, hoursAndMinutes(event.minutes)),
    make("span", { class: "about" }, aboutEvent(event)));
}

// An event is listed on the day it begins, or on the first day if it began before the week.
function eventsOf(data, day, isFirst) {
  return data.events.filter((event) => !event.all_day &&
    (event.start.slice(0, 10) === day || (isFirst && event.start.slice(0, 10) < day)));
}

function makeDay(data, day, index) {
  const events = eventsOf(data, day.date, index === 0);
  const title = make("h3", {}, formatDate(day.date, { weekday: "long", day: "numeric", month: "long" }));

  if (events.length === 0 && day.all_day.length === 0) return null;
  if (day.real_minutes > 0) {
    title.append(make("span", { class: "total" }, `${hoursAndMinutes(day.real_minutes)} in meetings`));
  }
  const section = make("section", { class: `day${day.date === data.week.today ? " today" : ""}` }, title);
  if (day.all_day.length > 0) {
    section.append(make("ul", { class: "labels", "aria-label": "All day" },
      ...day.all_day.map((label) => make("li", {}, label || "(no title)"))));
  }
  section.append(make("ul", {}, ...events.map((event) => makeEvent(event, day.date))));
  return section;
}

export function showEvents(data) {
  const days = data.days.map((day, index) => makeDay(data, day, index)).filter(Boolean);
  const listed = data.events.length;

  $("events-count").textContent = listed < data.events_total ?
    `${listed} of ${data.events_total} events` : spoken(listed, "event", "events");
  $("events").replaceChildren(...days);
  if (days.length === 0) $("events").append(make("p", { class: "empty" }, "Nothing at all."));
}
