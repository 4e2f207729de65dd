// SPDX-License-Identifier: BSD-2-Clause
// Values as people read them: numbers, dates and times in the visitor's language, durations, bytes.
// Dates and date-times of a report have no zone and are shown as they are; moments (when a job
// began) are in the visitor's zone. Knows nothing of the page.

const LANGUAGES = navigator.languages;
const NUMERIC = ["integer", "number", "money", "percent", "duration"];
const CURRENCIES = { "€": "EUR", $: "USD", "£": "GBP", "¥": "JPY" };
const DATE = /^\d{4}-\d\d-\d\d$/;
const DATETIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/;

const whole = new Intl.NumberFormat(LANGUAGES, { maximumFractionDigits: 0 });
const time = new Intl.DateTimeFormat(LANGUAGES, { hour: "numeric", minute: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(LANGUAGES,
  { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const date = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "medium", timeZone: "UTC" });
const dateTime = new Intl.DateTimeFormat(LANGUAGES,
  { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const dateTimeSeconds = new Intl.DateTimeFormat(LANGUAGES,
  { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const formatters = new Map(); // "type format" → Intl.NumberFormat

export function isNumeric(type) {
  return NUMERIC.includes(type);
}

export function formatCount(count) {
  return whole.format(count);
}

export function spoken(count, one, many) {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

export function formatBytes(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return new Intl.NumberFormat(LANGUAGES, {
    style: "unit",
    unit: units[power],
    maximumFractionDigits: power > 0 && value < 100 ? 1 : 0,
  }).format(value);
}

// "about" a time to wait for: 3 s, 5 min, 1 h 20 min.
export function formatWait(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  const minutes = Math.round(seconds / 60);

  if (seconds < 90 && seconds !== 60) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// A countdown: 4:05, or 2:00:00.
export function formatCountdown(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;

  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export function formatMoment(milliseconds) {
  const moment = new Date(milliseconds);
  const isToday = moment.toDateString() === new Date().toDateString();
  return (isToday ? time : dayAndTime).format(moment);
}

// As a UTC time, so that the browser's own zone cannot move it; null when it is no date.
function parse(text) {
  const isDate = DATE.test(text);
  const parts = isDate ? null : text.match(DATETIME);
  if (!isDate && !parts) return null;
  const parsed = new Date(isDate ? `${text}T00:00:00Z` :
    `${parts[1]}T${parts[2]}:${parts[3]}:${parts[4] || "00"}Z`);
  return Number.isNaN(parsed.getTime()) ? null : parsed;
}

function formatDateTime(value, type) {
  const parsed = parse(String(value));
  if (!parsed) return String(value);
  if (type === "date") return date.format(parsed);
  return (parsed.getUTCSeconds() === 0 ? dateTime : dateTimeSeconds).format(parsed);
}

// From a spreadsheet's format such as "#,##0.00 €" what a page needs of it.
function numberOptions(type, format) {
  const pattern = format || "";
  const fraction = pattern.match(/\.(0*)(#*)/);
  const options = { useGrouping: type !== "integer" || !pattern || pattern.includes(",") };

  if (fraction) {
    options.minimumFractionDigits = fraction[1].length;
    options.maximumFractionDigits = fraction[1].length + fraction[2].length;
  } else if (pattern.includes("0") || type === "integer") {
    options.maximumFractionDigits = 0;
  } else if (type === "money") {
    options.minimumFractionDigits = options.maximumFractionDigits = 2;
  } else {
    options.maximumFractionDigits = type === "percent" ? 1 : 6;
  }
  if (type === "percent") options.style = "percent";
  const sign = type === "money" && Object.keys(CURRENCIES).find((each) => pattern.includes(each));
  if (sign) Object.assign(options, { style: "currency", currency: CURRENCIES[sign] });
  return options;
}

function formatNumber(value, type, format) {
  const key = `${type} ${format || ""}`;
  if (!formatters.has(key)) {
    formatters.set(key, new Intl.NumberFormat(LANGUAGES, numberOptions(type, format)));
  }
  return formatters.get(key).format(value);
}

// A duration in milliseconds, as spreadsheets show it: 27:05:00.
function formatDuration(milliseconds) {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${milliseconds < 0 ? "−" : ""}${Math.floor(seconds / 3600)}:` +
    `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

// One value of a column; what doesn't fit the column's type is shown as it is.
export function formatCell(value, column) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (column.type === "boolean" && (value === 0 || value === 1)) return value ? "yes" : "no";
  if (column.type === "date" || column.type === "datetime") return formatDateTime(value, column.type);
  if (typeof value === "number") {
    if (column.type === "duration") return formatDuration(value);
    // Numbers in a column of text are names of something: no grouping.
    return isNumeric(column.type) ? formatNumber(value, column.type, column.format) : String(value);
  }
  // Integers that are too large for a JavaScript number come as text.
  if (column.type === "integer" && /^-?\d+$/.test(value)) {
    return formatNumber(BigInt(value), "integer", column.format);
  }
  return String(value);
}
