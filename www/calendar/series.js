// SPDX-License-Identifier: BSD-2-Clause
// Which series cost most: their hours, times the people in them.

import { $, make } from "./dom.js";
import { hoursAndMinutes, spoken } from "./words.js";

const SERIES_AT_MOST = 6;

function makeSeries(series, most) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span"));

  bar.firstChild.style.setProperty("--share",
    `${most > 0 ? series.person_minutes / most * 100 : 0}%`);
  return make("li", { class: "series" },
    make("span", { class: "name" }, series.summary || "(no title)"),
    make("span", { class: "hours" }, hoursAndMinutes(series.person_minutes)), bar,
    make("span", { class: "quiet" },
      `${hoursAndMinutes(series.minutes)} in ${spoken(series.meetings, "meeting", "meetings")}`));
}

export function showSeries(data) {
  const listed = data.series.slice(0, SERIES_AT_MOST);
  const rest = data.series_total - listed.length;
  const most = listed.length > 0 ? listed[0].person_minutes : 0;

  $("series").replaceChildren(...listed.map((series) => makeSeries(series, most)));
  if (listed.length === 0) $("series").append(make("li", { class: "empty" }, "Nothing repeats."));
  if (rest > 0) {
    $("series").append(make("li", { class: "empty" }, `And ${rest.toLocaleString("en")} more.`));
  }
}
