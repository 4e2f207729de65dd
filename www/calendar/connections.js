// SPDX-License-Identifier: BSD-2-Clause
// The dialog of calendars: what is connected, which of them count, and connecting more.

import { choose, connect, disconnect, fetchConnections, googleAddress } from "./api.js";
import { $, announce, attempt, make, setShown, tell } from "./dom.js";
import { me } from "./settings.js";

const KIND_NAMES = { google: "Google", caldav: "CalDAV", url: "By its address" };

// What ?problem=… of the way back from Google means.
const PROBLEMS = {
  refused: "Google was not allowed to share your calendar. Nothing is connected.",
  permissions: "Both boxes at Google have to stay ticked: kontor reads your calendars and their list, nothing else. Please connect again.",
  state: "This way back from Google doesn't belong to this browser. Please connect again.",
  not_allowed: "People with this account can't sign in here. Use the account that your organisation has given you.",
  too_late: "That took more than a quarter of an hour. Please connect again.",
  too_many: "There are too many connections already. Disconnect one first.",
  store: "The connection can't be stored now. Try again in a moment.",
  reconnect: "Google no longer knows this consent. Please connect again.",
  unreachable: "Google can't be reached now. Try again in a moment.",
  late: "Google didn't answer in time. Try again in a moment.",
};

let changed = () => {};
let choices = Promise.resolve(); // one after the other

function makeCalendar(connection, calendar) {
  const box = make("input", { type: "checkbox", value: calendar.id });

  box.checked = calendar.chosen;
  box.addEventListener("change", () => {
    const boxes = [...box.closest("ul").querySelectorAll("input")];
    const chosen = boxes.filter((item) => item.checked).map((item) => item.value);

    choices = choices.then(() => tell($("connections-problem"), async () => {
      try {
        take(await choose(connection.id, chosen));
      } catch (error) {
        box.checked = !box.checked;
        throw error;
      }
    }));
  });
  return make("li", {}, make("label", {}, box, ` ${calendar.name || calendar.id}`));
}

function makeConnection(connection) {
  const button = make("button", { type: "button" }, "Disconnect");
  const name = `${KIND_NAMES[connection.kind]}: ${connection.label}`;
  const item = make("li", { class: "connection" }, make("strong", {}, name), button);

  button.setAttribute("aria-label", `Disconnect ${name}`);
  button.addEventListener("click", () => attempt(button, $("connections-problem"), async () => {
    take(await disconnect(connection.id));
    announce(`${name} is disconnected.`);
    $("connections-title").focus();
  }));
  if (connection.needs_reconnect) {
    item.append(make("p", { class: "needs" }, "It no longer lets kontor in: connect it again."));
  }
  if (connection.calendars.length > 0) {
    item.append(make("ul", { "aria-label": `Calendars of ${name} that count` },
      ...connection.calendars.map((calendar) => makeCalendar(connection, calendar))));
  }
  return item;
}

function show(connections) {
  const focused = document.activeElement && document.activeElement.value;

  $("connections").replaceChildren(...connections.map(makeConnection));
  if (connections.length === 0) {
    $("connections").append(make("li", { class: "empty" }, "Nothing is connected yet."));
  }
  const box = [...$("connections").querySelectorAll("input")].find((item) => item.value === focused);
  if (box) box.focus();
}

// What the server answered after a change.
function take(connections) {
  show(connections);
  changed();
}

function prepareForm(id, kind) {
  const form = $(id);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    attempt(button, form.querySelector(".problem"), async () => {
      take(await connect(kind, Object.fromEntries(new FormData(form))));
      form.reset();
      form.closest("details").open = false;
      announce("It is connected.");
    });
  });
}

export async function openConnections() {
  const dialog = $("connections-dialog");

  setShown($("connections-problem"), false);
  setShown($("connect-google"), me.google);
  if (!dialog.open) dialog.showModal();
  await tell($("connections-problem"), async () => show(await fetchConnections()));
}

// Tell how the way to Google ended, and leave an address that can be kept.
export function readReturn() {
  const query = new URLSearchParams(location.search);
  const problem = query.get("problem");
  const isConnected = query.has("connected");

  if (!problem && !isConnected) return;
  query.delete("problem");
  query.delete("connected");
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
  $("notice").textContent = isConnected ? "Your calendar is connected." :
    PROBLEMS[problem] || "Google can't be connected now. Try again in a moment.";
  $("notice").classList.toggle("error", !isConnected);
  setShown($("notice"), true);
}

export function prepareConnections(onChange) {
  changed = onChange;
  prepareForm("connect-caldav", "caldav");
  prepareForm("connect-url", "url");
  $("connect-google").addEventListener("click", () => location.assign(googleAddress()));
  $("calendars").addEventListener("click", openConnections);
}
