// Somebody at /docs: loads the page in a DOM, searches, opens every operation and schema, and prints what can be read of it.
// Usage: node docs_page_client.js BASE_URL
"use strict";

const { JSDOM } = require("jsdom");

const base = process.argv[2];

async function until(what, check) {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((later) => setTimeout(later, 10))) {
    const value = check();
    if (value) return value;
  }
  throw new Error(`waited in vain until ${what}`);
}

async function main() {
  const errors = [];
  const dom = await JSDOM.fromURL(`${base}/docs`, {
    runScripts: "dangerously",
    resources: "usable",
    beforeParse: (window) => {
      window.fetch = (path, options) => fetch(new URL(path, base), options);
      window.addEventListener("error", (event) => errors.push(event.message));
    },
  });
  const { document, Event } = dom.window;
  const count = () => document.getElementById("count").textContent;
  await until("the page is drawn", count);
  const seen = { all: count() };

  const search = (words) => {
    const field = document.getElementById("search");
    field.value = words;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return [...document.querySelectorAll(".operation")].filter((box) => !box.hidden).map((box) => box.id);
  };
  seen.found = search("outbound-emails Simple");
  seen.links = [...document.querySelectorAll("nav a")].filter((link) => !link.hidden).map((link) => link.hash);
  seen.nothing = search("no such word anywhere");
  search("");

  for (const box of document.querySelectorAll("#operations > section > details, #schemas > details")) {
    box.open = true;
    box.dispatchEvent(new Event("toggle"));
  }
  const inside = (id) => document.querySelector(`#${id} .inside`);
  seen.drawn = [...document.querySelectorAll(".operation")].filter((box) => box.querySelector("pre")).length;
  seen.send = inside("sendMessage").textContent;
  seen.curl = inside("sendMessage").querySelector(":scope > pre").textContent;
  seen.markup = document.querySelectorAll("#operations script, #operations img, #operations iframe").length;
  seen.schemas = [...document.querySelectorAll("#schemas > details")].filter((box) => box.childElementCount > 1).length;
  seen.errors = errors;
  dom.window.close();
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
