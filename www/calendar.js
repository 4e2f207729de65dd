// SPDX-License-Identifier: BSD-2-Clause
// The page "Where did my week go?": asks kontor for a week, shows it, keeps week and zone in the
// address. All text goes in by textContent; nothing from the calendar is ever read as markup.
"use strict";

(() => {
  const ADDRESS = "api/calendar/week";
  const PEOPLE_AT_FIRST = 8;
  const KINDS = {
    one_off: "One-off",
    recurring: "Recurring",
    focus: "Focus time",
    own: "Own time",
  };
  const APART = {
    declined: "declined",
    tentative: "tentative",
    unanswered: "unanswered",
    free: "marked as free",
    out_of_office: "out of office",
    other: "other entries",
  };
  const COLOURS = { one_off: "--one-off", recurring: "--recurring", focus: "--focus", own: "--own" };

  const $ = (id) => document.getElementById(id);
  let shown = null; // the last answer
  let chart = null;
  let pending = null; // the AbortController of the request under way
  let showsEverybody = false;

  // ---------------------------------------------------------------- words

  function hoursAndMinutes(minutes) {
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    if (hours === 0) return `${rest} min`;
    return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
  }

  function spoken(count, one, many) {
    return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
  }

  // A date as a UTC time, so that the browser's own zone cannot move it.
  function asDate(text) {
    return new Date(`${text}T00:00:00Z`);
  }

  function formatDate(text, options) {
    return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(asDate(text));
  }

  function weekLabel(week) {
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

  function initials(name) {
    const words = name.replace(/@.*/, "").split(/[\s._-]+/).filter(Boolean);
    const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
    return letters.map((word) => [...word][0]).join("").toLocaleUpperCase() || "?";
  }

  // The same person has the same colour each time.
  function hue(text) {
    let value = 7;
    for (const letter of text) value = (value * 31 + letter.codePointAt(0)) % 360;
    return value;
  }

  // ---------------------------------------------------------------- elements

  function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "class") element.className = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // "13 h 15 min" with small units.
  function makeDuration(minutes) {
    const parts = hoursAndMinutes(minutes).split(" ");
    const value = make("span", { class: "value" });
    for (let index = 0; index < parts.length; index += 2) {
      value.append(index ? " " : "", parts[index], make("small", {}, `\u00a0${parts[index + 1]}`));
    }
    return value;
  }

  function makeNumber(title, tone, value, note) {
    return make("div", { class: `number ${tone ? `tone-${tone}` : "plain"}` }, make("dt", {}, title),
      make("dd", {}, value), make("dd", { class: "note" }, note));
  }

  // ---------------------------------------------------------------- summary

  function isPast(week) {
    return week.last_date < week.today;
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
      sentence.append(verb, strong(hoursAndMinutes(meetings.real_minutes)), " in ",
        strong(spoken(meetings.count, "meeting", "meetings")), `${when}.`);
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
      parts.push(`${spoken(meetings.large, "meeting", "meetings")} had more than 100 people.`);
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
        `${spoken(totals.own.count, "entry", "entries")}, nobody else`),
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
    $("warnings").hidden = warnings.length === 0;
  }

  // ---------------------------------------------------------------- days

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

  function showChart(data) {
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

  function showTable(data) {
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

  // ---------------------------------------------------------------- people

  function makePerson(person, most) {
    const picture = make("span", { class: "initials", "aria-hidden": "true" }, initials(person.name));
    const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span"));

    picture.style.setProperty("--hue", hue(person.address));
    bar.firstChild.style.setProperty("--share", `${most > 0 ? person.minutes / most * 100 : 0}%`);
    return make("li", { class: "person" }, picture,
      make("span", { class: "name", title: person.address }, person.name),
      make("span", { class: "hours" }, hoursAndMinutes(person.minutes)), bar,
      make("span", { class: "meetings" }, spoken(person.meetings, "meeting", "meetings")));
  }

  function showPeople(data) {
    const isShort = showsEverybody || data.people.length <= PEOPLE_AT_FIRST + 2;
    const listed = isShort ? data.people : data.people.slice(0, PEOPLE_AT_FIRST);
    const most = data.people.length > 0 ? data.people[0].minutes : 0;
    const hidden = data.people_total - data.people.length;

    $("people-count").textContent = data.people_total > 0 ?
      spoken(data.people_total, "person", "people") : "";
    $("people").replaceChildren(...listed.map((person) => makePerson(person, most)));
    if (listed.length === 0) $("people").append(make("li", { class: "empty" }, "Nobody but you."));
    if (hidden > 0 && isShort) {
      $("people").append(make("li", { class: "empty" }, `And ${hidden.toLocaleString("en")} more.`));
    }
    $("people-more").hidden = isShort;
    $("people-more").textContent = `Show all ${data.people.length}`;
  }

  // ---------------------------------------------------------------- events

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

  function showEvents(data) {
    const days = data.days.map((day, index) => makeDay(data, day, index)).filter(Boolean);
    const listed = data.events.length;

    $("events-count").textContent = listed < data.events_total ?
      `${listed} of ${data.events_total} events` : spoken(listed, "event", "events");
    $("events").replaceChildren(...days);
    if (days.length === 0) $("events").append(make("p", { class: "empty" }, "Nothing at all."));
  }

  // ---------------------------------------------------------------- the whole

  function show(data) {
    shown = data;
    $("problem").hidden = true;
    $("main").classList.remove("failed");
    $("date").value = data.week.first_date;
    $("this-week").setAttribute("aria-current", String(data.week.is_current));
    chooseZone(data.week.timezone);
    showSentence(data);
    showAside(data);
    showNumbers(data);
    showApart(data);
    showWarnings(data.warnings);
    showChart(data);
    showTable(data);
    showPeople(data);
    showEvents(data);
  }

  // The numbers of another week must not stand under an error.
  function showProblem(text) {
    $("main").classList.add("failed");
    document.title = "Where did my week go?";
    $("problem-text").textContent = text;
    $("problem").hidden = false;
  }

  async function fetchWeek(date, zone, signal) {
    const query = new URLSearchParams();
    if (date) query.set("date", date);
    if (zone) query.set("tz", zone);
    const response = await fetch(`${ADDRESS}?${query}`, { signal, headers: { Accept: "application/json" } });
    const data = await response.json().catch(() => null);
    if (response.ok && data) return data;
    throw new Error((data && (data.detail || data.title)) ||
      `The server answered with an error (${response.status}). Try again in a moment.`);
  }

  async function load() {
    const { date, zone } = readAddress();
    const controller = new AbortController();

    if (pending) pending.abort();
    pending = controller;
    $("main").setAttribute("aria-busy", "true");
    try {
      show(await fetchWeek(date, zone, controller.signal));
    } catch (error) {
      if (controller.signal.aborted) return;
      showProblem(error instanceof TypeError ?
        "The server cannot be reached. Check the connection and try again." : error.message);
    }
    if (pending === controller) {
      pending = null;
      $("main").setAttribute("aria-busy", "false");
    }
  }

  // ---------------------------------------------------------------- week and zone in the address

  function browserZone() {
    return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  }

  function readAddress() {
    const query = new URLSearchParams(location.search);
    return { date: query.get("date") || "", zone: query.get("tz") || browserZone() };
  }

  // Without a date the address means "this week", whenever it is opened.
  function go(date, zone) {
    const query = new URLSearchParams();
    if (date) query.set("date", date);
    query.set("tz", zone);
    history.pushState(null, "", `?${query}`);
    load();
  }

  function step(name) {
    if (shown) go(shown.week[name], $("zone").value);
  }

  // ---------------------------------------------------------------- zones

  function addZone(parent, name) {
    parent.append(make("option", { value: name }, name.replaceAll("_", " ")));
  }

  function fillZones() {
    const names = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
    const here = make("optgroup", { label: "Here and everywhere" });
    const groups = new Map();

    addZone(here, browserZone());
    if (browserZone() !== "UTC") addZone(here, "UTC");
    for (const name of names) {
      const region = name.includes("/") ? name.slice(0, name.indexOf("/")) : "Other";
      if (!groups.has(region)) groups.set(region, make("optgroup", { label: region }));
      if (name !== browserZone() && name !== "UTC") addZone(groups.get(region), name);
    }
    $("zone").append(here, ...groups.values());
  }

  function chooseZone(name) {
    const select = $("zone");
    if (![...select.options].some((option) => option.value === name)) addZone(select.firstChild, name);
    select.value = name;
  }

  // ---------------------------------------------------------------- beginning

  function onKey(event) {
    const typing = event.target.closest("input, select, textarea, [contenteditable], .scroll");
    if (typing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "ArrowLeft") step("previous");
    else if (event.key === "ArrowRight") step("next");
    else if (event.key === "t" || event.key === "T") go("", $("zone").value);
  }

  function begin() {
    fillZones();
    chooseZone(readAddress().zone);
    $("previous").addEventListener("click", () => step("previous"));
    $("next").addEventListener("click", () => step("next"));
    $("this-week").addEventListener("click", () => go("", $("zone").value));
    $("date").addEventListener("change", () => $("date").value && go($("date").value, $("zone").value));
    $("zone").addEventListener("change", () => go(readAddress().date, $("zone").value));
    $("retry").addEventListener("click", load);
    $("people-more").addEventListener("click", () => {
      showsEverybody = true;
      showPeople(shown);
    });
    document.addEventListener("keydown", onKey);
    window.addEventListener("popstate", load);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
      () => shown && showChart(shown));
    load();
  }

  begin();
})();
