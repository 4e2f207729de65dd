// SPDX-License-Identifier: BSD-2-Clause
// A calendar file that somebody only wants to look at: it lives in this page, goes to the server
// with each question, and is kept nowhere.

import { $, setShown } from "./dom.js";

let file = null;

export function lookedAtFile() {
  return file;
}

export function showFileNote() {
  setShown($("file-note"), Boolean(file));
  $("file-name").textContent = file ? file.name : "";
}

// onChange: called when another file, or none any more, is looked at.
export function prepareFile(onChange) {
  const input = $("file");
  const take = (other) => {
    file = other;
    onChange();
  };

  for (const button of document.querySelectorAll("button.open-file")) {
    button.addEventListener("click", () => {
      const dialog = button.closest("dialog");
      if (dialog) dialog.close();
      input.click();
    });
  }
  input.addEventListener("change", () => {
    if (input.files.length > 0) take(input.files[0]);
    input.value = ""; // so that the same one can be opened again when it has changed
  });
  $("file-end").addEventListener("click", () => take(null));
}
