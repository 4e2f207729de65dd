// SPDX-License-Identifier: BSD-2-Clause
// The graph of a result, and the same as a table for who doesn't see it. Without the library the
// table tells it all.

import { $, make, setShown } from "./dom.js";
import { formatCell, formatCount } from "./format.js";

const COLOURS = 8; // --series-1 … in the style sheet
const POINTS_WITH_DOTS = 60;

let chart = null;
let shown = null; // {preview, title}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function seriesColour(index) {
  return colour(`--series-${index % COLOURS + 1}`);
}

function columnNamed(preview, name, type) {
  return preview.columns.find((column) => column.name === name) || { name, title: name, type };
}

function describe({ preview, title }, labels) {
  const { kind, series } = preview.chart;
  const names = series.map((each) => each.name).join(", ");
  const kinds = { line: "Line graph", bar: "Bar graph", stacked: "Stacked bar graph", pie: "Pie chart" };
  const span = labels.length > 1 ? `, from ${labels[0]} to ${labels[labels.length - 1]}` : "";
  return `${kinds[kind] || "Graph"} of ${title}: ${names}${span}. The table below has the same numbers.`;
}

function scales(preview, isStacked, xTitle, yColumn) {
  const quiet = colour("--quiet");
  return {
    x: {
      stacked: isStacked,
      title: { display: true, text: xTitle, color: quiet },
      grid: { display: false },
      ticks: { color: quiet, maxRotation: 0, autoSkipPadding: 16 },
    },
    y: {
      stacked: isStacked,
      beginAtZero: true,
      grid: { color: colour("--line"), drawBorder: false },
      ticks: { color: quiet, maxTicksLimit: 6, callback: (value) => formatCell(value, yColumn) },
    },
  };
}

function makeDatasets(preview, isPie) {
  const { kind, labels, series } = preview.chart;
  return series.map((each, index) => ({
    label: each.name,
    data: each.values,
    backgroundColor: isPie ? labels.map((_, slice) => seriesColour(slice)) : seriesColour(index),
    borderColor: isPie || kind !== "line" ? colour("--card") : seriesColour(index),
    borderWidth: kind === "line" ? 2 : 1,
    pointRadius: labels.length > POINTS_WITH_DOTS ? 0 : 3,
    spanGaps: false,
    maxBarThickness: 72,
  }));
}

function draw() {
  const { preview } = shown;
  const { kind, x, y, labels } = preview.chart;
  const isPie = kind === "pie";
  const xColumn = columnNamed(preview, x, "text");
  const yColumns = y.map((name) => columnNamed(preview, name, "number"));
  const words = labels.map((label) => formatCell(label, xColumn));
  // Money and pieces on one axis: plain numbers.
  const isAlike = yColumns.every((column) => column.type === yColumns[0].type);
  const axis = isAlike ? yColumns[0] : { type: "number" };

  if (chart) chart.destroy();
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  chart = new window.Chart($("chart"), {
    type: isPie ? "pie" : kind === "line" ? "line" : "bar",
    data: { labels: words, datasets: makeDatasets(preview, isPie) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: isPie ? {} : { mode: "index", intersect: false },
      scales: isPie ? {} : scales(preview, kind === "stacked", xColumn.title, axis),
      plugins: {
        legend: { display: false },
        tooltip: {
          callbacks: {
            label: (item) => ` ${isPie ? item.label : item.dataset.label}: ` +
              formatCell(preview.chart.series[item.datasetIndex].values[item.dataIndex],
                yColumns[item.datasetIndex] || yColumns[0]),
          },
        },
      },
    },
  });
  $("chart").setAttribute("aria-label", describe(shown, words));
}

function showLegend() {
  const { chart: { kind, labels, series }, columns } = shown.preview;
  const xColumn = columns.find((column) => column.name === shown.preview.chart.x) || { type: "text" };
  const names = kind === "pie" ? labels.map((label) => formatCell(label, xColumn)) :
    series.map((each) => each.name);
  $("legend").replaceChildren(...names.map((name, index) =>
    make("li", { class: `series-${index % COLOURS + 1}` }, name)));
}

// Made only when somebody opens it: it may be long.
function fillTable() {
  const { preview } = shown;
  const { x, y, labels, series } = preview.chart;
  const xColumn = columnNamed(preview, x, "text");

  $("graph-table").replaceChildren(
    make("caption", {}, `The numbers of the graph: ${shown.title}`),
    make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "words" }, xColumn.title),
      ...series.map((each) => make("th", { scope: "col", class: "numeric" }, each.name)))),
    make("tbody", {}, ...labels.map((label, row) => make("tr", {},
      make("th", { scope: "row", class: "words" }, formatCell(label, xColumn)),
      ...series.map((each, index) => make("td", { class: "numeric" },
        formatCell(each.values[row], columnNamed(preview, y[index] ?? y[0], "number"))))))));
}

export function hideGraph() {
  shown = null;
  if (chart) chart.destroy();
  chart = null;
  setShown($("graph-card"), false);
}

export function showGraph(preview, title) {
  if (!preview.chart || preview.chart.labels.length === 0) {
    hideGraph();
    return;
  }
  const isComplete = preview.chart.is_complete;
  shown = { preview, title };
  setShown($("graph-card"), true);
  $("graph-note").textContent = isComplete ? "" :
    `There are ${formatCount(preview.row_count)} rows; the graph shows one of every ` +
    `${formatCount(preview.chart.every)}.`;
  setShown($("graph-note"), !isComplete);
  showLegend();
  setShown($("graph"), Boolean(window.Chart));
  if (window.Chart) draw();
  else $("graph-details").open = true;
  $("graph-table").replaceChildren();
  if ($("graph-details").open) fillTable();
}

export function prepareGraph() {
  $("graph-details").addEventListener("toggle", () => {
    if (shown && $("graph-details").open && !$("graph-table").hasChildNodes()) fillTable();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (shown && window.Chart) draw();
  });
}
