// Somebody at the console: loads the page in a DOM, fills its forms, presses its buttons, follows its links, and prints what can be read
// of it. Usage: node console_client.js BASE_URL, with {key, username, password, batch} as JSON on standard input.
"use strict";

const { JSDOM } = require("jsdom");
const { readFileSync } = require("node:fs");

const base = process.argv[2];
const given = JSON.parse(readFileSync(0, "utf8"));

async function open() {
  const dom = await JSDOM.fromURL(`${base}/`, {
    runScripts: "dangerously",
    resources: "usable",
    // What a browser has and this DOM has not. A page's own requests are relative to it.
    beforeParse: (window) => { window.fetch = (path, options) => fetch(new URL(path, base), options); },
  });
  await new Promise((loaded) => dom.window.addEventListener("load", loaded));
  return dom.window;
}

async function until(what, check) {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((later) => setTimeout(later, 10))) {
    const value = check();
    if (value) return value;
  }
  throw new Error(`waited in vain until ${what}`);
}

function fill(window, form, values) {
  const { document, Event } = window;
  const target = document.getElementById(form);
  for (const [name, value] of Object.entries(values)) {
    target.elements[name].value = value;
    target.elements[name].dispatchEvent(new Event("input", { bubbles: true }));
  }
  target.querySelector("button").click();
}

const text = (element) => element.textContent.replace(/\s+/g, " ").trim();

async function main() {
  const window = await open();
  const { document } = window;
  const visible = () => [...document.querySelectorAll("main section")].filter((section) => !section.hidden).map((section) => section.id);
  const rows = (selector) => [...document.querySelectorAll(`${selector} tr`)].map((row) => [...row.cells].map(text));
  const trouble = () => text(document.getElementById("trouble"));
  const seen = { first: visible(), menu: !document.getElementById("menu").hidden };

  fill(window, "form-key", { key: "pr_wrong" });
  seen.wrongKey = await until("a wrong key is refused", trouble);
  seen.keptWrongKey = window.sessionStorage.length > 0;

  fill(window, "form-password", { username: given.username, password: given.password });
  await until("the messages are shown", () => visible()[0] === "view-messages");
  await until("the user is known", () => !document.getElementById("who").hidden);
  seen.who = text(document.getElementById("who-name"));
  seen.upstreamsForUser = !document.getElementById("menu-upstreams").hidden;

  window.location.hash = "#send";
  await until("the form is shown", () => visible()[0] === "view-send");
  const letter = { from: "app@shop.test", to: "ann@example.test, bob@example.test", subject: "<b>hello</b>", lane: "high" };
  fill(window, "form-send", letter);  // without a text
  seen.refused = await until("a letter without a text is refused", trouble);
  await until("the button is back", () => !document.querySelector("#form-send button").disabled);
  fill(window, "form-send", { text: "plain", html: "<p>rich</p>" });
  await until("the message is shown", () => document.querySelector("#message dd"));
  seen.news = text(document.getElementById("news"));
  seen.message = text(document.getElementById("message"));

  window.location.hash = "#messages";
  seen.messages = await until("the message is in the list", () => visible()[0] === "view-messages" && rows("#messages").length && rows("#messages"));
  seen.link = document.querySelector("#messages a").hash;

  document.getElementById("sign-out").click();
  await until("the sign-in is back", () => visible()[0] === "view-sign-in");
  seen.afterSignOut = [window.sessionStorage.length, rows("#messages").length, document.getElementById("menu").hidden];

  fill(window, "form-key", { key: given.key });
  await until("the operator is known", () => !document.getElementById("menu-upstreams").hidden);
  window.location.hash = "#upstreams";
  seen.upstreams = await until("the upstreams are shown", () => rows("#upstreams").length && rows("#upstreams"));

  await until("the form of the hooks is there", () => !document.getElementById("form-hooks").hidden);
  fill(window, "form-hooks", { address: `${base}/` });
  seen.hooks = await until("a provider was told", () => rows("#hooks tbody").length && rows("#hooks tbody"));

  window.location.hash = "#batch";
  await until("the form is shown", () => visible()[0] === "view-batch");
  fill(window, "form-batch", { batch: given.batch });
  await until("the batch is shown", () => document.querySelector("#batch dd"));
  seen.batch = text(document.getElementById("batch"));

  console.log(JSON.stringify(seen));
  window.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
