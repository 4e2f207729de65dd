// SPDX-License-Identifier: BSD-2-Clause
// The charts of the last hour, each with a sentence that says the same. Without the library the
// sentences tell it all.

import { $, setText } from "../reports/dom.js";

const STEP_SECONDS = 5;
const charts = new Map(); // canvas id → chart
const number = new Intl.NumberFormat(navigator.languages, { maximumFractionDigits: 1 });
const time = new Intl.DateTimeFormat(navigator.languages, { hour: "numeric", minute: "2-digit" });

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The bound below which a share of the answers lies; null when there were none, Infinity when it is
// beyond the last bound.
function quantile(durations, bounds, share) {
  const all = durations.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let seen = 0;
  for (let i = 0; i < durations.length; i += 1) {
    seen += durations[i];
    if (seen >= all * share) return bounds[i] ?? Infinity;
  }
  return Infinity;
}

function options() {
  const quiet = colour("--quiet");
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    elements: { point: { radius: 0 }, line: { borderWidth: 2 } },
    scales: {
      x: { grid: { display: false }, ticks: { color: quiet, maxRotation: 0, autoSkipPadding: 24 } },
      y: { beginAtZero: true, grid: { color: colour("--line") }, ticks: { color: quiet, maxTicksLimit: 4 } },
    },
    plugins: { legend: { display: false } },
  };
}

// Each line of a chart in words; several are told apart by their labels. What is beyond what can be
// told, most, is Infinity.
function wordsOf(series) {
  const lines = series.map(({ label, values, most }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return "";
    const said = (value) => value === Infinity ? `more than ${number.format(most)}` : number.format(value);
    const highest = Math.max(...known);
    const sentence = `${series.length > 1 ? `${label}: ` : ""}now ${said(known[known.length - 1])}, ` +
      `${highest === Infinity ? "at times" : "at most"} ${said(highest)} in this hour.`;
    return sentence[0].toUpperCase() + sentence.slice(1);
  });
  return lines.filter(Boolean).join(" ") || "Nothing yet.";
}

function draw(name, samples, series) {
  const words = wordsOf(series);

  setText($(`${name}-words`), words);
  $(`${name}-chart`).setAttribute("aria-label", words);
  if (!window.Chart) return;
  const data = {
    labels: samples.map((sample) => time.format(sample.time_ms)),
    datasets: series.map(({ label, values: data_, tone, most }) => ({
      label, data: data_.map((value) => value === Infinity ? most : value),
      borderColor: colour(tone), backgroundColor: colour(tone), spanGaps: false,
    })),
  };
  const chart = charts.get(name);
  if (chart) {
    chart.data = data;
    chart.update();
  } else {
    charts.set(name, new window.Chart($(`${name}-chart`), { type: "line", data, options: options() }));
  }
}

const HOUR = 720; // samples

let samples = []; // those of the last hour, oldest first

let bounds = []; // of the durations, in ms

function drawAll() {
  draw("requests", samples, [{ label: "requests/s", tone: "--accent",
    values: samples.map((sample) => sample.requests / STEP_SECONDS) }]);
  const most = bounds[bounds.length - 2];
  draw("durations", samples, [
    { label: "99 %", tone: "--accent", most,
      values: samples.map((sample) => quantile(sample.durations, bounds, 0.99)) },
    { label: "half", tone: "--quiet", most,
      values: samples.map((sample) => quantile(sample.durations, bounds, 0.5)) }]);
  draw("queues", samples, [
    { label: "requests in work", tone: "--accent", values: samples.map((sample) => sample.running) },
    { label: "processes that want their turn", tone: "--quiet",
      values: samples.map((sample) => sample.runnable) }]);
  draw("processes", samples, [{ label: "processes", tone: "--accent",
    values: samples.map((sample) => sample.processes) }]);
  draw("memory", samples, [{ label: "MB", tone: "--accent",
    values: samples.map((sample) => sample.memory_bytes / 1e6) }]);
  draw("cpu", samples, [{ label: "%", tone: "--accent",
    values: samples.map((sample) => sample.cpu_ms / STEP_SECONDS / 10) }]);
}

// New samples follow those that are there; one that is there already is not added again.
export function addHistory({ samples: more, bounds_ms: newest }) {
  const lastMs = samples.length > 0 ? samples[samples.length - 1].time_ms : 0;
  samples = [...samples, ...more.filter((sample) => sample.time_ms > lastMs)].slice(-HOUR);
  bounds = newest;
  drawAll();
  setText($("hour-note"), `${number.format(samples.length * STEP_SECONDS / 60)} min are known`);
}

// The colours follow the system's light and dark.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts.values()) chart.destroy();
  charts.clear();
  drawAll();
});
