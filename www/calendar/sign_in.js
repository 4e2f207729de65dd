// SPDX-License-Identifier: BSD-2-Clause
// The ways to sign in from the calendar's page: straight to Google where that is the only one, else to
// the page where one can choose.

import { googleAddress } from "./api.js";

export function canSignIn(me) {
  return !me.user && Boolean(me.google || me.mail);
}

// Put the right words on a button.
export function nameSignIn(button, me) {
  button.textContent = me.mail ? "Sign in" : "Sign in with Google";
}

export function goToSignIn(me) {
  location.assign(me.mail ? new URL("sign-in/", document.baseURI).href : googleAddress());
}
