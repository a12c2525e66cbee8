// The console: the API in a browser, and nothing that is not in the API. Text from messages becomes text nodes only, never markup.
"use strict";

const KEY = "postrider.key"; // in sessionStorage: gone with the tab
const PAGE = 25;
const views = { "sign-in": null, messages: showMessages, message: showMessage, send: null, batch: showBatch, upstreams: showUpstreams };
let turn = 0; // answers that come after the reader went on are not shown
let cursor = null;
let providers = []; // upstreams that can report events
let sendKey = null; // of the letter in the form: pressing the button twice sends one message

const at = (id) => document.getElementById(id);

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined && text !== null) element.append(text);
  return element;
}

function say(news, trouble) {
  at("news").textContent = news || "";
  at("trouble").textContent = trouble || "";
}

// ---- the API --------------------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the server answered ${status}`);
    this.status = status;
    this.faults = problem.errors || [];
  }
}

async function call(method, path, body, headers = {}) {
  const key = sessionStorage.getItem(KEY);
  const options = { method, headers: { Accept: "application/json, application/problem+json", ...headers }, cache: "no-store" };
  if (key) options.headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const text = await answer.text();
  let parsed = {};
  try {
    parsed = text ? JSON.parse(text) : {};
  } catch {
    parsed = { detail: `the server answered ${answer.status}` };
  }
  if (!answer.ok) throw new Refused(answer.status, parsed);
  return parsed;
}

function explain(error) {
  if (!(error instanceof Refused)) return `Postrider cannot be reached: ${error.message}`;
  return [error.message, ...error.faults.map((fault) => `${fault.pointer || "the request"}: ${fault.detail}`)].join("\n");
}

// Runs what a view or form wants; tells what goes wrong. A key that is no longer good leads back to the sign-in.
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (error instanceof Refused && error.status === 401 && sessionStorage.getItem(KEY)) return signOut("The session has ended.");
    say("", explain(error));
  }
}

// ---- pieces ---------------------------------------------------------------------------------------------------------

function when(time) {
  if (!time) return "";
  return make("time", new Date(time).toLocaleString(), { datetime: time, title: time });
}

const GOOD = ["sent", "delivered", "opened", "clicked", "in service", "closed"];
const BAD = ["bounced", "failed", "expired", "suppressed", "complained", "out of service", "open"];

function word(text) {
  const kind = GOOD.includes(text) ? "good" : BAD.includes(text) ? "bad" : "wait";
  return make("span", text, { class: kind });
}

function row(...cells) {
  const line = make("tr");
  for (const cell of cells) {
    const field = make("td");
    if (cell instanceof Element && cell.tagName === "SPAN") field.className = "word";
    field.append(cell === null || cell === undefined ? "" : cell);
    line.append(field);
  }
  return line;
}

function table(caption, heads, rows) {
  const frame = make("div", undefined, { class: "scroll" });
  const grid = make("table");
  const head = make("tr");
  for (const name of heads) head.append(make("th", name, { scope: "col" }));
  const body = make("tbody");
  body.append(...rows);
  const top = make("thead");
  top.append(head);
  grid.append(make("caption", caption), top, body);
  frame.append(grid);
  return frame;
}

function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    const fact = make("dd");
    fact.append(value);
    list.append(make("dt", name), fact);
  }
  return list;
}

function recipientsOf(message) {
  const [first, ...others] = message.recipients.map((recipient) => recipient.address);
  return others.length ? `${first} and ${others.length} more` : first;
}

function reasonOf(message) {
  const told = message.recipients.find((recipient) => recipient.state === message.state && recipient.reason);
  return told ? told.reason : "";
}

function messageRow(message) {
  const link = make("a", message.subject || "(no subject)", { href: `#message/${message.id}` });
  return row(when(message.created_at), word(message.state), message.sender || "<>", recipientsOf(message), link, reasonOf(message));
}

// ---- views ----------------------------------------------------------------------------------------------------------

async function showMessages(_, mine) {
  cursor = null;
  at("messages").replaceChildren();
  await addMessages(mine);
}

async function addMessages(mine) {
  const state = at("form-filter").elements.state.value;
  const query = new URLSearchParams({ limit: PAGE });
  if (state) query.set("state", state);
  if (cursor) query.set("cursor", cursor);
  const page = await call("GET", `/v1/messages?${query}`);
  if (mine !== turn) return;
  at("messages").append(...page.messages.map(messageRow));
  cursor = page.next;
  at("older").hidden = !cursor;
  if (!at("messages").children.length) say(cursor ? "None among the newest; look at older ones." : "There are no such messages.");
}

async function showMessage(id, mine) {
  at("message").replaceChildren();
  const message = await call("GET", `/v1/messages/${encodeURIComponent(id)}`);
  if (mine !== turn) return;
  at("message").append(
    facts([
      ["Id", message.id], ["State", word(message.state)], ["From", message.sender || "<>"], ["Subject", message.subject],
      ["Accepted", when(message.created_at)], ["Next try", when(message.next_try_at)], ["Expires", when(message.expires_at)],
      ["Lane", message.lane], ["Door", message.door], ["Tenant", message.tenant], ["Tags", message.tags.join(", ")],
      ["Size", `${message.size} octets`], ["Body", message.body], ["Message-ID", message.message_id],
    ]),
    table("Recipients", ["Address", "State", "Tries", "Next try", "Upstream", "Reason"],
      message.recipients.map((r) => row(r.address, word(r.state), `${r.tries}`, when(r.next_try_at), r.upstream, r.reason))),
    table("Attempts", ["Started", "Upstream", "Outcome", "Stage", "Took", "Answer"],
      message.attempts.map((a) => row(when(a.started_at), a.upstream, word(a.outcome), a.stage, `${a.duration_ms} ms`,
        [a.code, a.enhanced_code, a.text].filter(Boolean).join(" ")))),
    table("What happened", ["When", "What", "Recipient", "Why", "By"],
      message.events.map((e) => row(when(e.at), word(e.type), e.recipient, e.reason, e.actor))),
  );
}

async function showBatch(id, mine) {
  at("batch").replaceChildren();
  at("form-batch").elements.batch.value = id || "";
  if (!id) return;
  const batch = await call("GET", `/v1/batches/${encodeURIComponent(id)}?limit=${PAGE}`);
  if (mine !== turn) return;
  const counts = Object.entries(batch.by_state).map(([state, count]) => row(word(state), `${count}`));
  at("batch").append(
    facts([["Batch", batch.id], ["Messages", `${batch.total}`]]),
    table("By state", ["State", "Messages"], counts),
    table("The newest of them", ["Accepted", "State", "From", "To", "Subject", "Reason"], batch.messages.map(messageRow)));
}

async function showUpstreams(_, mine) {
  at("upstreams").replaceChildren();
  const { upstreams } = await call("GET", "/v1/upstreams");
  if (mine !== turn) return;
  at("upstreams").append(...upstreams.map((upstream) => {
    const error = upstream.last_error;
    const said = make("div", error ? `${error.text || error.stage} ` : "");
    if (error) said.append(when(error.at));
    return row(upstream.name, upstream.type, word(upstream.state), word(upstream.health), `${upstream.waiting}`, said);
  }));
  providers = upstreams.filter((upstream) => !["smtp", "capture"].includes(upstream.type)).map((upstream) => upstream.name);
  at("form-hooks").hidden = providers.length === 0;
}

// Tells each provider where to report to; one that refuses does not stop the others.
async function registerHooks(form) {
  const address = form.elements.address.value.trim().replace(/\/+$/, "");
  at("hooks").replaceChildren();
  const key = sessionStorage.getItem(KEY), rows = [], keys = [];
  for (const name of providers) {
    try {
      const told = await call("POST", `/v1/upstreams/${encodeURIComponent(name)}/hooks`, { url: `${address}/hooks/${encodeURIComponent(name)}` });
      const changes = told.changes.map((change) => `${change.what}: ${change.state}`).join("\n");
      rows.push(row(name, told.registered ? "yes" : "no", told.problem || changes || "it does already"));
      keys.push(...told.keys.map((key) => `${name}: ${key}`));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) throw error;
      rows.push(row(name, "no", explain(error)));
    }
    if (sessionStorage.getItem(KEY) !== key) return; // somebody else is at the console now
  }
  at("hooks").append(table("Told to report", ["Upstream", "Reports here", "What was done"], rows));
  if (keys.length) at("hooks").append(make("p", "For the configuration, shown this once:"), make("pre", keys.join("\n")));
}

// ---- forms ----------------------------------------------------------------------------------------------------------

function newKey() {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

async function send(form) {
  const fields = form.elements;
  const letter = { from: { email: fields.from.value.trim() }, subject: fields.subject.value, lane: fields.lane.value };
  letter.to = fields.to.value.split(",").map((address) => ({ email: address.trim() }));
  if (fields.text.value) letter.text = fields.text.value;
  if (fields.html.value) letter.html = fields.html.value;
  sendKey = sendKey || newKey();
  const accepted = await call("POST", "/v1/messages", letter, { "Idempotency-Key": sendKey });
  sendKey = null;
  go(`#message/${accepted.id}`, `Accepted as ${accepted.id}.`);
}

async function signIn(key) {
  const before = sessionStorage.getItem(KEY);
  sessionStorage.setItem(KEY, key);
  try {
    await learnWho();
  } catch (error) {
    if (before) sessionStorage.setItem(KEY, before);
    else sessionStorage.removeItem(KEY);
    throw error;
  }
  for (const form of [at("form-key"), at("form-password")]) form.reset();
  go("#messages");
}

async function learnWho() {
  const token = await call("GET", "/tokens");
  at("who-name").textContent = token.username || "";
  at("who").hidden = at("menu").hidden = false;
  at("menu-upstreams").hidden = !(token.scopes || []).includes("admin");
}

function signOut(why) {
  sessionStorage.removeItem(KEY);
  at("who").hidden = at("menu").hidden = true;
  for (const id of ["messages", "message", "batch", "upstreams", "hooks"]) at(id).replaceChildren();
  at("form-send").reset();
  go("#sign-in", why || "Signed out.");
}

// A form's button is out of use while its request is under way.
function onSubmit(id, action) {
  at(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    say();
    await attempt(() => action(form));
    button.disabled = false;
  });
}

// ---- where we are ---------------------------------------------------------------------------------------------------

let arriving = ""; // said once the next view is there

function go(hash, news) {
  arriving = news || "";
  if (location.hash === hash) show();
  else location.hash = hash;
}

function show() {
  const [name, id] = location.hash.slice(1).split("/");
  const view = !sessionStorage.getItem(KEY) ? "sign-in" : name in views ? name : "messages";
  const mine = ++turn;
  for (const other of Object.keys(views)) at(`view-${other}`).hidden = other !== view;
  for (const link of at("menu").querySelectorAll("a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  say(arriving);
  arriving = "";
  at(`h-${view}`).focus();
  if (views[view]) attempt(() => views[view](id ? decodeURIComponent(id) : "", mine));
}

onSubmit("form-key", (form) => signIn(form.elements.key.value.trim()));
onSubmit("form-password", async (form) => {
  const { username, password } = form.elements;
  const { token } = await call("POST", "/tokens", { username: username.value, password: password.value });
  await signIn(token);
});
onSubmit("form-filter", () => showMessages("", ++turn));
onSubmit("form-send", send);
onSubmit("form-hooks", registerHooks);
onSubmit("form-batch", (form) => go(`#batch/${encodeURIComponent(form.elements.batch.value.trim())}`));
at("form-send").addEventListener("input", () => { sendKey = null; }); // another letter
at("older").addEventListener("click", () => attempt(() => addMessages(turn)));
at("sign-out").addEventListener("click", () => signOut());
window.addEventListener("hashchange", show);
show();
if (sessionStorage.getItem(KEY)) attempt(learnWho);
