// SPDX-License-Identifier: BSD-2-Clause
// Who took part, by hours, with pictures made of initials.

import { $, make } from "./dom.js";
import { hoursAndMinutes, hue, initials, spoken } from "./words.js";

const PEOPLE_AT_FIRST = 8;

// "3 meetings, 1 one-to-one".
function aboutPerson(person) {
  const { one_to_one: alone, meetings } = person;
  if (alone.count === 0) return spoken(meetings, "meeting", "meetings");
  if (alone.count === meetings) return spoken(meetings, "one-to-one", "one-to-ones");
  return `${spoken(meetings, "meeting", "meetings")}, ${alone.count} one-to-one`;
}

function makePerson(person, most, isNew) {
  const picture = make("span", { class: "initials", "aria-hidden": "true" }, initials(person.name));
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span"));

  const name = make("span", { class: "name", title: person.address }, person.name);

  if (isNew) name.append(" ", make("span", { class: "new" }, "new"));
  picture.style.setProperty("--hue", hue(person.address));
  bar.firstChild.style.setProperty("--share", `${most > 0 ? person.minutes / most * 100 : 0}%`);
  return make("li", { class: "person" }, picture,
    name, make("span", { class: "hours" }, hoursAndMinutes(person.minutes)), bar,
    make("span", { class: "meetings" }, aboutPerson(person)));
}

// Whoever is new is known when the comparison has come.
export function showPeople(data) {
  const fresh = new Set(data.comparison ? data.comparison.new_people : []);
  const isWhole = data.showsEverybody || data.people.length <= PEOPLE_AT_FIRST + 2;
  const listed = isWhole ? data.people : data.people.slice(0, PEOPLE_AT_FIRST);
  const most = data.people.length > 0 ? data.people[0].minutes : 0;
  const hidden = data.people_total - data.people.length;

  $("people-count").textContent = data.people_total > 0 ?
    spoken(data.people_total, "person", "people") : "";
  $("people").replaceChildren(...listed.map((person) =>
    makePerson(person, most, fresh.has(person.address))));
  if (listed.length === 0) $("people").append(make("li", { class: "empty" }, "Nobody but you."));
  if (hidden > 0 && isWhole) {
    $("people").append(make("li", { class: "empty" }, `And ${hidden.toLocaleString("en")} more.`));
  }
  $("people-more").hidden = isWhole;
  $("people-more").textContent = `Show all ${data.people.length}`;
}
