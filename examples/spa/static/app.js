// Client of the JSON API: registers, signs in, shows the user, changes the password, signs out.
"use strict";

const part = (id) => document.getElementById(id);
const say = (text) => { part("status").textContent = text; };

// For a signed-in user, the CSRF token is in a cookie that only scripts of this site can read.
function tokenInCookie() {
  const start = "XSRF-TOKEN=";
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(start));
  return pair && decodeURIComponent(pair.slice(start.length));
}

// Without a user there is no such cookie. The JSON of every form contains the token.
async function tokenOfForm() {
  return (await ask("GET", "/login")).response.csrf_token;
}

async function ask(method, path, form, token) {
  const headers = { "Accept": "application/json" };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    headers["X-XSRF-Token"] = token;
  }
  const body = form && JSON.stringify(form);
  const answer = await fetch(path, { method, headers, body, cache: "no-store" });
  const told = await answer.json().catch(() => ({}));
  const wait = answer.headers.get("Retry-After");
  return { status: answer.status, response: told.response ?? {}, wait };
}

async function post(path, form) {
  const token = tokenInCookie();
  const answer = await ask("POST", path, form, token ?? await tokenOfForm());
  // The cookie may outlive the session that its token belongs to.
  const stale = answer.status === 400 && token && "csrf_token" in (answer.response.errors ?? {});
  return stale ? ask("POST", path, form, await tokenOfForm()) : answer;
}

// Handles every answer but success. `form` is the form that shows errors of its fields.
function refused(answer, form) {
  switch (answer.status) {
    case 400: return showMistakes(answer.response, form);
    case 401: return show(null, "Please sign in.");
    case 403: return say("Your account may not do that.");
    case 429:
    case 503: return say(`Too much at once. Try again in ${answer.wait ?? 60} seconds.`);
    default: return say("Something went wrong. Try again later.");
  }
}

function showMistakes(response, form) {
  const mistakes = { ...response.errors };
  for (const place of form?.querySelectorAll(".error") ?? []) {
    place.textContent = (mistakes[place.dataset.of] ?? []).join(" ");
    delete mistakes[place.dataset.of];
  }
  // Errors that belong to no field.
  say([response.error, ...Object.values(mistakes).flat()].filter(Boolean).join(" "));
}

// Shows the page of the user, or the sign-in page.
function show(me, text = "") {
  for (const form of document.forms) {
    form.reset();
    showMistakes({}, form);
  }
  part("stranger").hidden = me !== null;
  part("account").hidden = me === null;
  part("who").textContent = me?.email ?? "";
  say(text);
}

async function whoAmI(text = "") {
  const answer = await ask("GET", "/api/me");
  if (answer.status === 200) return show(answer.response, text);
  // Not being signed in is not an error.
  return answer.status === 401 ? show(null, text) : refused(answer);
}

// Submits a form, and calls `done` with the answer if it was accepted.
function onSubmit(id, path, done) {
  part(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = await post(path, Object.fromEntries(new FormData(form)));
    return answer.status === 200 ? done(form) : refused(answer, form);
  });
}

onSubmit("sign-in", "/login", () => whoAmI());
onSubmit("register", "/register", (form) => {
  const to = form.elements.email.value;
  show(null, `We sent a link to ${to}. Follow it, then sign in.`);
});
onSubmit("change", "/change", () => whoAmI("Your password is changed."));

part("sign-out").addEventListener("click", async () => {
  const answer = await post("/logout", {});
  return answer.status === 200 ? show(null, "You are signed out.") : refused(answer);
});

part("report").addEventListener("click", async () => {
  const answer = await ask("GET", "/api/report");
  return answer.status === 200 ? say(answer.response.report) : refused(answer);
});

// Links in mails redirect here. The texts are fixed, because the query can be forged.
function arrived() {
  const query = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  if (query.has("success")) return "Your address is confirmed. Sign in now.";
  if (query.has("error") || query.has("info")) return "This link is of no use any more.";
  return "";
}

whoAmI(arrived());
