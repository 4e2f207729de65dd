// SPDX-License-Identifier: BSD-2-Clause
// Elements: finds them, makes them, speaks to screen readers. All text goes in as text, never as
// markup. Knows nothing of calendars.

export const $ = (id) => document.getElementById(id);

export function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function setShown(element, isShown) {
  element.hidden = !isShown;
}

// Say it to screen readers, when they are done with what they say.
export function announce(text) {
  $("announcement").textContent = text;
}

// Do something; what goes wrong is told in the element `problem`.
export async function tell(problem, action) {
  setShown(problem, false);
  try {
    await action();
  } catch (error) {
    problem.textContent = error.message;
    setShown(problem, true);
  }
}

// The same for what a button begins, which can't be pressed again meanwhile.
export async function attempt(button, problem, action) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  await tell(problem, action);
  button.removeAttribute("aria-disabled");
}
