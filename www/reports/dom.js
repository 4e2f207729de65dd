// SPDX-License-Identifier: BSD-2-Clause
// Elements: finds them, makes them, speaks to screen readers. All text goes in as text, never as
// markup. Knows nothing of reports.

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

// Write only what is new, so that what reads along is not disturbed.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setShown(element, isShown) {
  element.hidden = !isShown;
}

// Say it to screen readers, when they are done with what they say.
export function announce(text) {
  $("announcement").textContent = text;
}

// Ask a yes-or-no question. Escape means no; the focus goes back to where it was.
export function confirmDeletion() {
  const dialog = $("confirm");

  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

export function prepareDialog() {
  $("confirm-no").addEventListener("click", () => $("confirm").close("no"));
  $("confirm-yes").addEventListener("click", () => $("confirm").close("yes"));
}
