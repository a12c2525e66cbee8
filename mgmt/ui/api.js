// Draws /openapi.json: no library, no other source. Text from the document becomes text nodes only, never markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 8; // of schemas inside each other; a $ref beyond is named, not drawn
let api = null;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function follow(thing) {
  for (let steps = 0; thing && thing.$ref && steps < 10; ++steps) {
    const parts = thing.$ref.slice(2).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const { $ref, ...beside } = thing;
    thing = { ...parts.reduce((at, part) => at[part], api), ...beside };
  }
  return thing;
}

// `code` and [text](address) of the descriptions.
function prose(text) {
  const out = [];
  const pattern = /`([^`]+)`|\[([^\]]+)\]\((https?:[^)\s]+|#[^)\s]+|\/[^)\s]*)\)/g;
  let from = 0;
  for (const found of text.matchAll(pattern)) {
    out.push(text.slice(from, found.index));
    out.push(found[1] !== undefined ? make("code", {}, found[1]) : make("a", { href: found[3] }, found[2]));
    from = found.index + found[0].length;
  }
  out.push(text.slice(from));
  return out;
}

function paragraphs(text) {
  return (text || "").split(/\n\n+/).filter(Boolean).map((part) => make("p", {}, ...prose(part)));
}

// ---- schemas --------------------------------------------------------------------------------------------------------

function kind(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.oneOf || schema.anyOf;
  if (choices) return choices.map((choice) => kind(follow(choice))).join(" or ");
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || (schema.properties ? "object" : "any");
  return type === "array" && schema.items ? `array of ${kind(follow(schema.items))}` : type;
}

const BOUNDS = [
  ["minimum", "at least"], ["maximum", "at most"], ["minLength", "characters, at least"], ["maxLength", "characters, at most"],
  ["minItems", "elements, at least"], ["maxItems", "elements, at most"], ["pattern", "matches"], ["format", "format"], ["default", "default"],
];

function bounds(schema) {
  const said = BOUNDS.filter(([key]) => schema[key] !== undefined).map(([key, words]) => `${words} ${schema[key]}`);
  return said.length ? ` (${said.join("; ")})` : "";
}

// The members of an object, or of the objects in an array or a choice.
function members(schema, depth) {
  schema = follow(schema);
  if (depth > DEEPEST) return [];
  const out = [];
  for (const part of schema.allOf || []) out.push(...members(part, depth));
  for (const [name, inner] of Object.entries(schema.properties || {}))
    out.push(member(name, inner, (schema.required || []).includes(name), depth));
  if (schema.additionalProperties && typeof schema.additionalProperties === "object")
    out.push(member("any other name", schema.additionalProperties, false, depth));
  if (schema.items) out.push(...members(schema.items, depth + 1));
  for (const choice of schema.oneOf || schema.anyOf || []) {
    const inner = members(choice, depth + 1);
    const title = follow(choice).title;
    if (inner.length && title) out.push(make("details", { class: "member" }, make("summary", {}, `either: ${title}`), ...inner));
    else out.push(...inner);
  }
  return out;
}

function member(name, schema, required, depth) {
  const whole = follow(schema);
  const line = [
    make("span", { class: "name" }, name), required ? make("span", { class: "must", title: "required" }, "*") : null, " ",
    make("span", { class: "soft" }, kind(whole) + bounds(whole)), whole.description ? " " : null, ...prose(whole.description || ""),
  ];
  const inside = members(whole, depth + 1);
  if (!inside.length) return make("div", { class: "member" }, ...line);
  return make("details", { class: "member" }, make("summary", {}, ...line), ...inside);
}

function drawSchema(schema) {
  const whole = follow(schema);
  const box = make("div", {}, make("div", { class: "soft" }, (whole.title ? `${whole.title}: ` : "") + kind(whole) + bounds(whole)));
  box.append(...members(whole, 0));
  return box;
}

// ---- examples -------------------------------------------------------------------------------------------------------

function printed(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function examplesOf(holder) {
  if (!holder) return [];
  if (holder.examples) return Object.entries(holder.examples).map(([name, example]) => [name, follow(example)]);
  return holder.example === undefined ? [] : [["", { value: holder.example }]];
}

function drawExamples(holder) {
  return examplesOf(holder).map(([name, example]) =>
    make("div", {}, make("div", { class: "soft" }, `example${name ? ` “${name}”` : ""}${example.summary ? `: ${example.summary}` : ""}`),
      make("pre", {}, printed(example.value))));
}

function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// One command for the first example of an operation; its key stands in $KEY.
function curl(path, method, operation, parameters) {
  const query = [];
  const lines = [];
  let target = path;
  for (const parameter of parameters) {
    const example = parameter.example ?? (parameter.required ? examplesOf(parameter)[0]?.[1].value : undefined);
    if (example === undefined) continue;
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(example));
    if (parameter.in === "query") query.push(`${parameter.name}=${encodeURIComponent(example)}`);
    if (parameter.in === "header" && parameter.required) lines.push(`-H ${shellQuoted(`${parameter.name}: ${example}`)}`);
  }
  const address = location.origin + target + (query.length ? `?${query.join("&")}` : "");
  const schemes = (operation.security || api.security || []).flatMap(Object.keys);
  if (schemes.includes("key")) lines.unshift(`-H "Authorization: Bearer $KEY"`);
  else if (schemes.includes("basic")) lines.unshift(`-u "api:$KEY"`);
  else if (schemes.includes("postmark")) lines.unshift(`-H "X-Postmark-Server-Token: $KEY"`);
  const content = Object.entries(follow(operation.requestBody || {}).content || {})[0];
  if (content) {
    const example = examplesOf(content[1])[0];
    if (content[0].startsWith("multipart/") && example)
      for (const [name, value] of Object.entries(example[1].value)) lines.push(`-F ${shellQuoted(`${name}=${printed(value)}`)}`);
    else if (example) lines.push(`-H ${shellQuoted(`Content-Type: ${content[0]}`)}`, `--data-binary ${shellQuoted(printed(example[1].value))}`);
  }
  const verb = method === "get" || (content && method === "post") ? "" : `-X ${method.toUpperCase()} `;
  return [`curl ${verb}${shellQuoted(address)}`, ...lines].join(" \\\n  ");
}

// ---- operations -----------------------------------------------------------------------------------------------------

function drawParameters(parameters) {
  const rows = parameters.map((parameter) =>
    make("tr", {}, make("td", {}, make("code", {}, parameter.name), parameter.required ? make("span", { class: "must" }, "*") : null),
      make("td", {}, parameter.in), make("td", {}, kind(follow(parameter.schema || {})) + bounds(follow(parameter.schema || {}))),
      make("td", {}, ...prose(parameter.description || ""))));
  return make("table", {}, make("tr", {}, ...["name", "where", "type", ""].map((head) => make("th", {}, head))), ...rows);
}

function drawContent(content) {
  return Object.entries(content || {}).map(([type, media]) =>
    make("div", {}, make("code", {}, type), media.schema ? drawSchema(media.schema) : null, ...drawExamples(media)));
}

function drawAnswers(responses) {
  return Object.entries(responses).map(([status, given]) => {
    const answer = follow(given);
    const headers = Object.entries(answer.headers || {}).map(([name, header]) =>
      make("div", { class: "member" }, make("code", {}, name), " ", ...prose(follow(header).description || "")));
    return make("details", {}, make("summary", {}, make("span", { class: "status" }, status), " ", ...prose(answer.description)),
      ...headers, ...drawContent(answer.content));
  });
}

function who(operation) {
  const security = operation.security || api.security || [];
  if (!security.length || security.some((way) => !Object.keys(way).length)) return "without a key";
  return `scope ${operation["x-scope"] || "read"}; ${security.map((way) => Object.keys(way).join(" and ")).join(", or ")}`;
}

function fill(inside, path, method, operation, parameters) {
  inside.append(...paragraphs(operation.description), make("p", { class: "soft" }, who(operation)));
  if (parameters.length) inside.append(make("h3", {}, "Parameters"), drawParameters(parameters));
  const body = operation.requestBody ? follow(operation.requestBody) : null;
  if (body) inside.append(make("h3", {}, "Body"), ...paragraphs(body.description), ...drawContent(body.content));
  inside.append(make("h3", {}, "Answers"), ...drawAnswers(operation.responses));
  inside.append(make("h3", {}, "With curl"), make("pre", {}, curl(path, method, operation, parameters)));
}

// Drawn when it is opened: a hundred operations at once would make the page slow to appear.
function drawOperation(path, method, item) {
  const operation = item[method];
  const parameters = [...(item.parameters || []), ...(operation.parameters || [])].map(follow);
  const inside = make("div", { class: "inside" });
  const box = make("details", { class: "operation", id: operation.operationId },
    make("summary", {}, make("span", { class: `method ${method}` }, method), make("span", { class: "path" }, path),
      make("span", { class: "soft" }, operation.summary || "")), inside);
  box.addEventListener("toggle", () => {
    if (box.open && !inside.hasChildNodes()) fill(inside, path, method, operation, parameters);
  });
  return box;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || !target.classList.contains("operation")) return;
  target.open = true;
  target.scrollIntoView();
}

// ---- search ---------------------------------------------------------------------------------------------------------

// Everything that is said about an operation, with what its references name, in lower case.
function textOf(value, seen = new Set()) {
  if (value === null || typeof value !== "object") return `${value} `;
  if (seen.has(value)) return "";
  seen.add(value);
  let out = "";
  for (const [key, inner] of Object.entries(value)) out += key === "$ref" ? `${inner} ${textOf(follow(value), seen)}` : `${key} ${textOf(inner, seen)}`;
  return out;
}

function search(entries, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const entry of entries) {
    const fits = wanted.every((word) => entry.text.includes(word));
    entry.box.hidden = entry.link.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  for (const section of document.querySelectorAll("[data-group]"))
    section.hidden = !entries.some((entry) => entry.group === section.dataset.group && !entry.box.hidden);
  document.getElementById("count").textContent = `${shown} of ${entries.length}`;
}

function draw() {
  document.getElementById("version").textContent = api.info.version;
  document.getElementById("about").append(...paragraphs(api.info.description));
  const operations = document.getElementById("operations");
  const contents = document.getElementById("contents");
  const entries = [];
  for (const tag of api.tags) {
    const section = make("section", { "data-group": tag.name }, make("h2", {}, tag.name), ...paragraphs(tag.description));
    const links = make("div", { "data-group": tag.name }, make("h3", {}, tag.name));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((name) => item[name] && item[name].tags[0] === tag.name)) {
        const box = drawOperation(path, method, item);
        const link = make("a", { href: `#${item[method].operationId}`, title: item[method].summary || "" },
          make("span", { class: `method ${method}` }, method), " ", path);
        section.append(box);
        links.append(link);
        entries.push({ box, link, group: tag.name, text: `${method} ${path} ${textOf([item.parameters, item[method]])}`.toLowerCase() });
      }
    }
    operations.append(section);
    contents.append(links);
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const box = make("details", {}, make("summary", {}, make("code", {}, name)));
    box.addEventListener("toggle", () => {
      if (box.open && box.childElementCount === 1) box.append(drawSchema(schema));
    });
    document.getElementById("schemas").append(box);
  }
  const field = document.getElementById("search");
  field.addEventListener("input", () => search(entries, field.value));
  search(entries, "");
  window.addEventListener("hashchange", openTarget);
  openTarget();
}

fetch("/openapi.json", { headers: { Accept: "application/json" } })
  .then((answer) => {
    if (!answer.ok) throw new Error(`/openapi.json: ${answer.status}`);
    return answer.json();
  })
  .then((document_) => {
    api = document_;
    draw();
  })
  .catch((error) => document.getElementById("operations").append(make("p", { class: "must" }, `The document could not be read: ${error.message}`)));
