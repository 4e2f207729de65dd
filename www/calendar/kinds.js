// SPDX-License-Identifier: BSD-2-Clause
// What kinds of meetings there were: three ways to divide the same hours.

import { $, make } from "./dom.js";
import { hoursAndMinutes, spoken } from "./words.js";

// The parts of each way with their tones; one-off and recurring have that of the chart.
function waysOf(totals) {
  const { meetings, organised, sizes } = totals;
  const others = {
    count: meetings.count - organised.count,
    minutes: meetings.minutes - organised.minutes,
  };

  return [
    ["How often", [["One-off", "one_off", totals.one_off], ["Recurring", "recurring", totals.recurring]]],
    ["How many people", [["One-to-one", "first", sizes.one_to_one], ["Groups", "second", sizes.group],
      ["Very large", "third", sizes.large]]],
    ["Who called it", [["You", "first", organised], ["Others", "second", others]]],
  ];
}

function makePart([name, tone, sum], whole) {
  const share = whole > 0 ? Math.round(sum.minutes / whole * 100) : 0;

  return make("div", { class: `part tone-${tone}` }, make("dt", {}, name),
    make("dd", {}, hoursAndMinutes(sum.minutes)),
    make("dd", { class: "note" }, `${spoken(sum.count, "meeting", "meetings")}, ${share} %`));
}

// A bar that shows the shares at a glance; the list below says them.
function makeShares(parts, whole) {
  const bar = make("div", { class: "shares", "aria-hidden": "true" });

  for (const [, tone, sum] of parts) {
    if (sum.minutes === 0) continue;
    const piece = make("span", { class: `tone-${tone}` });
    piece.style.setProperty("--share", `${sum.minutes / whole * 100}%`);
    bar.append(piece);
  }
  return bar;
}

function makeWay([title, parts]) {
  const there = parts.filter(([, , sum]) => sum.count > 0);
  const whole = there.reduce((all, [, , sum]) => all + sum.minutes, 0);

  return make("section", { class: "way" }, make("h3", { class: "quiet" }, title),
    makeShares(there, whole), make("dl", {}, ...there.map((part) => makePart(part, whole))));
}

export function showKinds(data) {
  if (data.totals.meetings.count === 0) {
    $("kinds").replaceChildren(make("p", { class: "empty" },
      data.incomplete ? "No meetings in what could be read." : "No meetings."));
  } else {
    $("kinds").replaceChildren(...waysOf(data.totals).map(makeWay));
  }
}
