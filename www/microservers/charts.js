// SPDX-License-Identifier: BSD-2-Clause
// The charts, each with a sentence that says the same. Without the library the sentences tell it all.

import { $, setText } from "../reports/dom.js";

const SAMPLES = 600;
const charts = new Map(); // name → chart
const samples = [];       // of the last ten minutes, oldest first
const number = new Intl.NumberFormat(navigator.languages, { maximumFractionDigits: 2 });
const time = new Intl.DateTimeFormat(navigator.languages, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const dark = matchMedia("(prefers-color-scheme: dark)");

const busy = (sample, value) => (sample.updates > 0 ? value : null);
const CHARTS = {
  servers: { unit: "servers", lines: [{ label: "servers", tone: "--accent", of: (s) => s.servers }] },
  latency: { unit: "ms", lines: [
    { label: "99 %", tone: "--one-off", of: (s) => busy(s, s.p99_us / 1000) },
    { label: "half", tone: "--accent", of: (s) => busy(s, s.half_us / 1000) }] },
  cpu: { unit: "%", lines: [{ label: "%", tone: "--accent", of: (s) => s.cpu_percent }] },
  memory: { unit: "MB", lines: [{ label: "MB", tone: "--accent", of: (s) => s.memory_bytes / 1e6 }] },
};

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options() {
  const quiet = colour("--quiet");
  return {
    animation: false,
    maintainAspectRatio: false,
    normalized: true,
    interaction: { mode: "index", intersect: false },
    elements: { point: { radius: 0 }, line: { borderWidth: 2 } },
    scales: {
      x: { grid: { display: false }, ticks: { color: quiet, maxRotation: 0, autoSkipPadding: 24, maxTicksLimit: innerWidth < 600 ? 3 : 5 } },
      y: { beginAtZero: true, grid: { color: colour("--line") }, ticks: { color: quiet, maxTicksLimit: 4 } },
    },
    plugins: { legend: { display: false } },
  };
}

function words(name, { unit, lines }) {
  const parts = lines.map(({ label, of }) => {
    const known = samples.map(of).filter((value) => value !== null);
    if (known.length === 0) return "";
    const prefix = lines.length > 1 ? `${label}: ` : "";
    const sentence = `${prefix}now ${number.format(known[known.length - 1])} ${unit}, ` +
      `at most ${number.format(Math.max(...known))} ${unit}.`;
    return sentence[0].toUpperCase() + sentence.slice(1);
  }).filter(Boolean);
  return parts.join(" ") || "Nothing yet.";
}

function draw(name) {
  const { lines } = CHARTS[name];
  const text = words(name, CHARTS[name]);
  setText($(`${name}-words`), text);
  $(`${name}-chart`).setAttribute("aria-label", text);
  if (!window.Chart) return;
  const data = {
    labels: samples.map((sample) => time.format(sample.time_ms)),
    datasets: lines.map(({ label, tone, of }) => ({
      label, data: samples.map(of), borderColor: colour(tone), backgroundColor: colour(tone), spanGaps: false,
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

// Add those that are not there yet; they may come in any order.
export function addSamples(more) {
  const known = new Set(samples.map((sample) => sample.time_ms));
  const fresh = more.filter((sample) => !known.has(sample.time_ms));
  samples.push(...fresh);
  samples.sort((a, b) => a.time_ms - b.time_ms);
  samples.splice(0, Math.max(0, samples.length - SAMPLES));
  if (fresh.length > 0 && !document.hidden) Object.keys(CHARTS).forEach(draw);
}

export const newestSample = () => (samples.length > 0 ? samples[samples.length - 1].time_ms : 0);

dark.addEventListener("change", () => {
  charts.forEach((chart) => chart.destroy());
  charts.clear();
  Object.keys(CHARTS).forEach(draw);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) Object.keys(CHARTS).forEach(draw);
});
