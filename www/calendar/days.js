// SPDX-License-Identifier: BSD-2-Clause
// The days as a chart, and the same as a table.

import { $, make } from "./dom.js";
import { KINDS, formatDate, hoursAndMinutes, weekLabel } from "./words.js";

const COLOURS = { one_off: "--one-off", recurring: "--recurring", focus: "--focus", own: "--own" };

let chart = null;

function usedKinds(data) {
  return Object.keys(KINDS).filter((kind) => kind === "one_off" || kind === "recurring" ||
    data.days.some((day) => day[`${kind}_minutes`] > 0));
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function chartOptions(data) {
  const grid = colour("--line");
  const quiet = colour("--quiet");
  const ink = colour("--ink");
  const today = data.days.findIndex((day) => day.date === data.week.today);

  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    scales: {
      x: {
        stacked: true,
        grid: { display: false },
        border: { display: false },
        ticks: {
          maxRotation: 0,
          color: (context) => (context.index === today ? ink : quiet),
          font: (context) => ({ size: 13, weight: context.index === today ? "bold" : "normal" }),
        },
      },
      y: {
        stacked: true,
        beginAtZero: true,
        suggestedMax: 6,
        grid: { color: grid, drawBorder: false },
        ticks: { color: quiet, precision: 0, maxTicksLimit: 6, callback: (value) => `${value} h` },
      },
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        callbacks: {
          title: (items) => formatDate(data.days[items[0].dataIndex].date,
            { weekday: "long", day: "numeric", month: "long" }),
          label: (item) => ` ${item.dataset.label}: ${hoursAndMinutes(Math.round(item.raw * 60))}`,
        },
        filter: (item) => item.raw > 0,
      },
    },
  };
}

export function showChart(data) {
  const kinds = usedKinds(data);

  $("legend").replaceChildren(...kinds.map((kind) =>
    make("li", { class: `tone-${kind}` }, KINDS[kind])));
  if (!window.Chart) { // without the library the table tells it all
    $("table-details").open = true;
    document.querySelector(".chart").hidden = true;
    return;
  }
  if (chart) chart.destroy();
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  chart = new window.Chart($("chart"), {
    type: "bar",
    data: {
      labels: data.days.map((day) => // on two lines
        [formatDate(day.date, { weekday: "short" }), formatDate(day.date, { day: "numeric" })]),
      datasets: kinds.map((kind) => ({
        label: KINDS[kind],
        data: data.days.map((day) => day[`${kind}_minutes`] / 60),
        backgroundColor: colour(COLOURS[kind]),
        borderColor: colour("--card"),
        borderWidth: { top: 1 },
        borderRadius: 4,
        maxBarThickness: 72,
      })),
    },
    options: chartOptions(data),
  });
}

export function showTable(data) {
  const kinds = usedKinds(data);
  const columns = [...kinds.map((kind) => KINDS[kind]), "Real time", "All day"];
  const cell = (minutes) => make("td", {}, minutes > 0 ? hoursAndMinutes(minutes) : "–");
  const total = (field) => data.days.reduce((sum, day) => sum + day[field], 0);
  const row = (day) => make("tr", {},
    make("th", { scope: "row" }, formatDate(day.date, { weekday: "long", day: "numeric", month: "short" })),
    ...kinds.map((kind) => cell(day[`${kind}_minutes`])), cell(day.real_minutes),
    make("td", {}, day.all_day.join(", ")));

  $("table").replaceChildren(
    make("caption", {}, `Hours per day. ${weekLabel(data.week)}, ${data.week.timezone}`),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Day"),
      ...columns.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...data.days.map(row)),
    make("tfoot", {}, make("tr", {}, make("th", { scope: "row" }, "Together"),
      ...kinds.map((kind) => cell(total(`${kind}_minutes`))), cell(total("real_minutes")),
      make("td", {}))));
}
