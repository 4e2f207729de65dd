// SPDX-License-Identifier: BSD-2-Clause
// The page of signing in: asks for a link by mail, and is where that link leads. The token of a link
// stands behind "#", which no server sees; it leaves the address at once, and signs in only when the
// button is pressed, so that programs which look at links use nothing up.

const API = "../api/calendar/";
const TOKEN = /^#(\d{13}\.[\w-]{43})$/;

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const onward = query.get("for") === "mailer" ? "../mailer/" : "../";
let token = "";

// Ask kontor; the answer's JSON, or an Error with words for people and the status.
async function ask(path, body) {
  let response;
  try {
    response = await fetch(API + path, body === undefined ? { cache: "no-store" } : {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  } catch {
    throw new Error("The server cannot be reached. Check the connection and try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw Object.assign(
    new Error(answer.detail ?? `The server answered with an error (${response.status}).`),
    { status: response.status });
}

function say(id, text) {
  for (const other of ["problem", "notice"]) byId(other).hidden = other !== id;
  if (id) byId(id).textContent = text;
}

// Do what a button begins, which can't be pressed again meanwhile, and tell what goes wrong.
async function attempt(button, action) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  say(null);
  try {
    await action();
  } catch (error) {
    say("problem", error.message);
    return error;
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function showWays(me) {
  byId("confirm").hidden = !token;
  byId("mail").hidden = Boolean(token) || Boolean(me.user) || !me.mail;
  byId("google").hidden = Boolean(token) || Boolean(me.user) || !me.google;
  byId("signed-in").hidden = Boolean(token) || !me.user;
  byId("who").textContent = me.user ? `You are signed in as ${me.user}.` : "";
  if (!token && !me.user && !me.mail && !me.google) {
    say("problem", "Nobody can sign in here. The operator has to set up Google or mail.");
  }
}

// Out of the address, so that it is in no history; true: there is one.
function takeToken() {
  token = TOKEN.exec(location.hash)?.[1] ?? "";
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

async function load() {
  try {
    // With a link there is nothing to ask; a web server that signs people in lets nothing else through.
    showWays(token ? {} : await ask("me"));
  } catch (error) {
    say("problem", error.message);
  }
  byId("main").removeAttribute("aria-busy");
  if (token) byId("confirm-yes").focus();
  else if (!byId("mail").hidden) byId("address").focus();
}

byId("confirm-yes").addEventListener("click", async () => {
  const error = await attempt(byId("confirm-yes"), async () => {
    await ask("sign-in/confirm", { token });
    location.replace(onward);
  });

  if (error && (error.status === 409 || error.status === 410)) {
    token = ""; // it is of no use here; another one may be
    await load();
    say("problem", error.message);
  }
});

byId("mail").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(byId("mail").querySelector("button"), async () => {
    const address = byId("address").value.trim();
    const wish = query.get("for") === "mailer" ? { address, for: "mailer" } : { address };
    const { minutes } = await ask("sign-in", wish);

    say("notice", `A mail is on its way to ${address}. Open its link in this browser within ` +
      `${minutes} minutes. If nothing comes, look among the junk mail.`);
    byId("notice").focus();
  });
});

byId("google-go").addEventListener("click", () => location.assign(
  `${API}connect/google${query.get("for") === "mailer" ? "?for=mailer" : ""}`));
byId("onward").href = onward;
// The link may be opened in a tab where this page is.
addEventListener("hashchange", () => {
  if (!takeToken()) return;
  say(null);
  load();
});

takeToken();
load();
