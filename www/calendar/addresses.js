// SPDX-License-Identifier: BSD-2-Clause
// The addresses at which somebody is invited, beside those that are known: a few lines of text in
// the settings. The server says what is wrong with them.

import { saveMe } from "./api.js";
import { $, attempt, setShown } from "./dom.js";

export function showAddresses(me) {
  setShown($("addresses-form"), Boolean(me.user) && me.can_connect);
  $("addresses").value = (me.addresses || []).join("\n");
}

// What somebody enters: an address a line, or separated by commas, semicolons or blanks.
function readAddresses() {
  return $("addresses").value.split(/[\s,;]+/).filter((address) => address !== "");
}

// onSave: called with what the server knows of the person then.
export function prepareAddresses(onSave) {
  const problem = $("addresses-problem");

  $("addresses-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("addresses-saved").textContent = "";
    await attempt($("addresses-save"), problem, async () => {
      const me = await saveMe({ addresses: readAddresses() });

      showAddresses(me);
      onSave(me);
      $("addresses-saved").textContent = "Saved.";
    });
    // What is told is what is wrong with the field.
    $("addresses").setAttribute("aria-invalid", String(!problem.hidden));
    if (!problem.hidden) $("addresses").focus();
  });
}
