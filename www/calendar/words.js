// SPDX-License-Identifier: BSD-2-Clause
// Numbers, dates and kinds of events in words. Knows no elements and no requests.

export const KINDS = {
  one_off: "One-off",
  recurring: "Recurring",
  focus: "Focus time",
  own: "Own time",
};

export const APART = {
  declined: "declined",
  tentative: "tentative",
  unanswered: "unanswered",
  free: "marked as free",
  out_of_office: "out of office",
  other: "other entries",
};

export function hoursAndMinutes(minutes) {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return `${rest} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

export function spoken(count, one, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

// A date as a UTC time, so that the browser's own zone cannot move it.
export function asDate(text) {
  return new Date(`${text}T00:00:00Z`);
}

export function formatDate(text, options) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(asDate(text));
}

// The day some days later.
export function addDays(text, days) {
  const date = asDate(text);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

// "Tuesday 13:00" of an instant with its offset, as the clock on the wall shows it.
export function dayAndTime(instant) {
  return `${formatDate(instant.slice(0, 10), { weekday: "long" })} ${instant.slice(11, 16)}`;
}

export function weekLabel(week) {
  const first = asDate(week.first_date);
  const last = asDate(week.last_date);
  const sameYear = first.getUTCFullYear() === last.getUTCFullYear();
  const sameMonth = sameYear && first.getUTCMonth() === last.getUTCMonth();
  const from = formatDate(week.first_date, {
    day: "numeric",
    ...(sameMonth ? {} : { month: "long" }),
    ...(sameYear ? {} : { year: "numeric" }),
  });
  const to = formatDate(week.last_date, { day: "numeric", month: "long", year: "numeric" });
  return `Week ${week.number}, ${from} to ${to}`;
}

export function isPast(week) {
  return week.last_date < week.today;
}

export function initials(name) {
  const words = name.replace(/@.*/, "").split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0]).join("").toLocaleUpperCase() || "?";
}

// The same person has the same colour each time.
export function hue(text) {
  let value = 7;
  for (const letter of text) value = (value * 31 + letter.codePointAt(0)) % 360;
  return value;
}

export function browserZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
