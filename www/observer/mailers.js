// SPDX-License-Identifier: BSD-2-Clause
// The weekly mails: each worker has its share of the people. Nothing is shown unless the plugin mailer
// is loaded. What is counted is counted since the start of each worker.

import { $, make, setShown, setText } from "../reports/dom.js";
import { formatCount, formatMoment, formatWait, spoken } from "../reports/format.js";
import { ask, cell, numeric, setRows } from "./api.js";

const COUNTS = ["sleepers", "waiting", "sending", "sent", "failed", "tried_again", "skipped", "connections"];

// All workers as one. The first to wake is the first of all; 0: nobody sleeps.
function addUp(workers) {
  const wakes = workers.map(({ mailer }) => mailer.next_wake_ms).filter((wake) => wake > 0);
  const sum = { next_wake_ms: wakes.length > 0 ? Math.min(...wakes) : 0 };
  for (const name of COUNTS)
    sum[name] = workers.reduce((total, { mailer }) => total + (mailer[name] || 0), 0);
  return { worker: "all", now_ms: workers[0].now_ms, mailer: sum };
}

// "Friday's time, in 3 h", by the server's clock.
function wakesText({ now_ms: now, mailer: { next_wake_ms: wake } }) {
  if (wake === 0) return "never";
  return wake <= now ? "now" : `${formatMoment(wake)}, in ${formatWait(wake - now)}`;
}

function mailerRow(line) {
  const { mailer } = line;
  const count = (name, kind) => numeric(formatCount(mailer[name] || 0), kind);
  return make("tr", {}, cell(String(line.worker)), count("sleepers"), cell(wakesText(line), "minor"),
    count("waiting"), count("sending", "minor"), count("sent"), count("failed"),
    count("tried_again", "minor"), count("skipped", "minor"), count("connections", "minor"));
}

function wordsOf(all) {
  const { mailer } = all;
  const wakes = mailer.next_wake_ms === 0 ? "" : `; the next one wakes: ${wakesText(all)}`;
  return `${spoken(mailer.sleepers, "person's mailer sleeps", "people's mailers sleep")}${wakes}. ` +
    `${spoken(mailer.waiting, "mail waits", "mails wait")}, ${formatCount(mailer.sending)} ` +
    `${mailer.sending === 1 ? "is" : "are"} on the way. Since the workers started ` +
    `${formatCount(mailer.sent)} were sent and ${formatCount(mailer.failed)} given up.`;
}

export async function showMailers() {
  const { workers } = await ask("/mailers");
  const loaded = workers.filter((worker) => worker.mailer && !worker.mailer.error)
    .sort((a, b) => a.worker - b.worker);
  setShown($("mailers-card"), loaded.length > 0);
  if (loaded.length === 0) return;
  const all = addUp(loaded);
  setText($("mailers-count"), formatCount(all.mailer.sleepers));
  setText($("mailers-words"), wordsOf(all));
  setRows($("mailers"), (loaded.length > 1 ? [all, ...loaded] : loaded).map(mailerRow));
}
