// SPDX-License-Identifier: BSD-2-Clause
// The week in one sentence and a few numbers.

import { $, make, setShown } from "./dom.js";
import { APART, hoursAndMinutes, isPast, spoken, weekLabel } from "./words.js";

// "13 h 15 min" with small units.
export function makeDuration(minutes) {
  const parts = hoursAndMinutes(minutes).split(" ");
  const value = make("span", { class: "value" });
  for (let index = 0; index < parts.length; index += 2) {
    value.append(index ? " " : "", parts[index], make("small", {}, `\u00a0${parts[index + 1]}`));
  }
  return value;
}

export function makeNumber(title, tone, value, note) {
  return make("div", { class: `number ${tone ? `tone-${tone}` : "plain"}` }, make("dt", {}, title),
    make("dd", {}, value), make("dd", { class: "note" }, note));
}

function showSentence(data) {
  const { meetings, own, focus, all_day: allDay } = data.totals;
  const week = data.week;
  const sentence = $("sentence");
  const strong = (text) => make("strong", {}, text);
  const when = week.is_current ? " this week" : "";
  const verb = isPast(week) ? "You spent " : week.is_current ? "You spend " : "You will spend ";

  sentence.replaceChildren();
  if (meetings.count > 0) {
    sentence.append(verb, data.incomplete ? "at least " : "", strong(hoursAndMinutes(meetings.real_minutes)), " in ",
      strong(spoken(meetings.count, "meeting", "meetings")), `${when}.`);
  } else if (data.incomplete) {
    sentence.append("A calendar could not be read, so this is not the whole week.");
  } else if (own.count + focus.count > 0) {
    sentence.append("No meetings", when, ", and ", strong(hoursAndMinutes(own.minutes + focus.minutes)),
      " of your own.");
  } else if (allDay.count > 0) {
    sentence.append("No meetings", when, ", ", strong(spoken(allDay.days, "day", "days")),
      " with something all day.");
  } else {
    sentence.append(isPast(week) ? "Nothing was on in this week." : "Nothing is on in this week.");
  }
  $("week-label").textContent = weekLabel(week);
  document.title = `${weekLabel(week)} · Where did my week go?`;
}

function showAside(data) {
  const { meetings } = data.totals;
  const parts = [];

  if (meetings.conflict_minutes > 0) {
    parts.push(`${hoursAndMinutes(meetings.conflict_minutes)} of it in two places at once; ` +
      "overlapping meetings are counted once.");
  }
  if (meetings.large > 0) {
    parts.push(`${spoken(meetings.large, "meeting was", "meetings were")} very large.`);
  }
  if (data.week.hours !== 168) {
    parts.push(`The clocks change in this week: it has ${data.week.hours} hours.`);
  }
  $("aside").textContent = parts.join(" ");
}

function showNumbers(data) {
  const totals = data.totals;
  const allDay = make("span", { class: "value" }, String(totals.all_day.days),
    make("small", {}, totals.all_day.days === 1 ? "\u00a0day" : "\u00a0days"));
  const overlap = totals.meetings.minutes - totals.meetings.real_minutes;

  $("numbers").replaceChildren(
    makeNumber("Meetings", null, makeDuration(totals.meetings.real_minutes),
      overlap > 0 ? `${hoursAndMinutes(totals.meetings.minutes)} added up` :
        spoken(totals.meetings.count, "meeting", "meetings")),
    makeNumber("One-off", "one_off", makeDuration(totals.one_off.minutes),
      spoken(totals.one_off.count, "meeting", "meetings")),
    makeNumber("Recurring", "recurring", makeDuration(totals.recurring.minutes),
      spoken(totals.recurring.count, "meeting", "meetings")),
    makeNumber("Focus time", "focus", makeDuration(totals.focus.minutes),
      spoken(totals.focus.count, "block", "blocks")),
    makeNumber("Own time", "own", makeDuration(totals.own.minutes),
      totals.own.count > 0 ? `${spoken(totals.own.count, "entry", "entries")}, nobody else` : "nothing planned"),
    makeNumber("All day", null, allDay, spoken(totals.all_day.count, "event", "events")));
}

function showApart(data) {
  const parts = [];

  for (const [kind, words] of Object.entries(APART)) {
    const sum = data.totals[kind];
    if (sum.count > 0) {
      const time = sum.minutes > 0 ? ` (${hoursAndMinutes(sum.minutes)})` : "";
      parts.push(`${sum.count} ${words}${time}`);
    }
  }
  $("apart").textContent = parts.length > 0 ? `Not counted as meetings: ${parts.join(", ")}.` : "";
}

function showWarnings(warnings) {
  $("warnings").replaceChildren(...warnings.map((text) => make("li", {}, text)));
  setShown($("warnings"), warnings.length > 0);
}

export function showSummary(data) {
  showSentence(data);
  showAside(data);
  showNumbers(data);
  showApart(data);
  showWarnings(data.warnings);
}
