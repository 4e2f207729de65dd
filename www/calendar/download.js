// SPDX-License-Identifier: BSD-2-Clause
// Tables to take along: links to CSV for the week that is shown. Of a file that somebody looks at
// the server keeps nothing, so that one is sent again.

import { exportAddress, fetchExport } from "./api.js";
import { $, setShown } from "./dom.js";

let week = null;
let asked = null;

const links = () => document.querySelectorAll("a.download");

function save(name, blob) {
  const link = document.createElement("a");

  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function onClick(event) {
  if (!asked || !asked.file) return; // the browser downloads it by itself
  event.preventDefault();
  const { rows } = event.currentTarget.dataset;
  try {
    save(`calendar-${rows}-${week.first_date}-${week.last_date}.csv`,
      await fetchExport(asked, rows, week));
  } catch (error) {
    $("notice").textContent = error.message;
    $("notice").classList.add("error");
    setShown($("notice"), true);
  }
}

export function showDownloads(data, how) {
  week = data.week;
  asked = how;
  for (const link of links()) link.href = exportAddress(asked, link.dataset.rows, week);
}

export function prepareDownloads() {
  for (const link of links()) link.addEventListener("click", onClick);
}
