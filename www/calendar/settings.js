// SPDX-License-Identifier: BSD-2-Clause
// Who is here, and how they want to see their weeks: zone, first day, signing out, deleting. Kept
// on the server for who has an account, and in this browser so that the first week needs no detour.

import { prepareAddresses, showAddresses } from "./addresses.js";
import { deleteMe, fetchMe, saveMe, signOut } from "./api.js";
import { $, attempt, make, setShown, tell } from "./dom.js";
import { canSignIn, goToSignIn, nameSignIn } from "./sign_in.js";
import { browserZone } from "./words.js";

const ZONE = "kontor.zone";
const WEEK_START = "kontor.week-start";

export let me = { user: null, google: false, can_connect: false, signed_in_by: null };
let changed = () => {};

function remember(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // Without a memory the server's, or the browser's own zone, serves.
  }
}

function recall(name) {
  try {
    return localStorage.getItem(name) || "";
  } catch {
    return "";
  }
}

export function chosenZone() {
  return recall(ZONE) || browserZone();
}

export function chosenWeekStart() {
  return recall(WEEK_START);
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

export function showZone(name) {
  const select = $("zone");
  if (![...select.options].some((option) => option.value === name)) addZone(select.firstChild, name);
  select.value = name;
  $("zone-name").textContent = name.replaceAll("_", " ");
}

export function showWeekStart(name) {
  $("week-start").value = name;
}

// ---------------------------------------------------------------- who

function showMe() {
  const isSession = me.signed_in_by === "session";

  $("who").textContent = me.user ? `You are ${me.user}.` : "You are not signed in.";
  setShown($("sign-in"), canSignIn(me));
  nameSignIn($("sign-in"), me);
  showAddresses(me);
  setShown($("calendars"), Boolean(me.user) && me.can_connect);
  setShown($("sign-out"), isSession);
  setShown($("sign-out-everywhere"), isSession);
  setShown($("delete"), Boolean(me.user) && me.can_connect);
  setShown($("delete-sure"), false);
}

// What the server remembers wins over what this browser does.
export async function loadMe() {
  try {
    me = await fetchMe();
  } catch {
    return; // the week itself tells what is wrong
  }
  showMe();
  const isOther = (me.timezone && me.timezone !== chosenZone()) ||
    (me.week_start && me.week_start !== chosenWeekStart());
  if (me.timezone) remember(ZONE, me.timezone);
  if (me.week_start) remember(WEEK_START, me.week_start);
  if (isOther) changed();
}

async function save() {
  remember(ZONE, $("zone").value === browserZone() ? "" : $("zone").value);
  remember(WEEK_START, $("week-start").value);
  changed($("zone").value);
  if (me.user && me.can_connect) {
    me = await saveMe({ timezone: $("zone").value, week_start: $("week-start").value });
  }
}

function forget() {
  remember(ZONE, "");
  remember(WEEK_START, "");
  location.assign(location.pathname);
}

// onChange: called when weeks have to be read in another way, with the zone if it was chosen here.
export function prepareSettings(onChange) {
  const dialog = $("settings");
  const problem = $("settings-problem");
  const on = (id, action) => $(id).addEventListener("click", () => attempt($(id), problem, action));

  changed = onChange;
  fillZones();
  prepareAddresses((fresh) => {
    me = fresh;
    changed();
  });
  $("open-settings").addEventListener("click", () => {
    setShown(problem, false);
    setShown($("delete-sure"), false);
    dialog.showModal();
  });
  $("zone").addEventListener("change", () => tell(problem, save));
  $("week-start").addEventListener("change", () => tell(problem, save));
  $("sign-in").addEventListener("click", () => goToSignIn(me));
  on("sign-out", async () => forget(await signOut(false)));
  on("sign-out-everywhere", async () => forget(await signOut(true)));
  $("delete").addEventListener("click", () => setShown($("delete-sure"), true));
  $("delete-no").addEventListener("click", () => setShown($("delete-sure"), false));
  on("delete-yes", async () => forget(await deleteMe()));
}
