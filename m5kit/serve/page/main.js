// Ties the parts of the page together: form, address, service, results.

import { drawCard } from "./cards.js";
import { drawFilters } from "./filters.js";
import { colourOf, make } from "./html.js";
import { drawParts } from "./parts.js";
import { ask, modalityOf, search } from "./service.js";
import { empty, filter, filters, MOST, PAGE, read, write } from "./state.js";

const at = (id) => document.getElementById(id);
let about, state;
let given = {}; // files by modality; they are no part of the address
let running = new AbortController();

async function begin() {
  try {
    about = await ask("about");
  } catch (error) {
    say(error.message, true);
    return;
  }
  document.title = `${about.run || "m5kit"} · search`;
  at("name").textContent = about.run || "m5kit";
  const exact = about.recall === 1 ? "" : ` · recall ${about.recall.toFixed(3)}`;
  at("about").textContent = `${about.items.toLocaleString("en")} items${exact}`;
  at("attach").hidden = !Object.keys(about.accepts).length;
  listen();
  show();
}

/** Take the state from the address, and search. */
function show() {
  state = read(location.search);
  drawWords();
  showFilters();
  run();
}

function showFilters() {
  drawFilters(at("filters"), state, about, { onChange: () => go(), onClear: clearFilters });
}

function clearFilters() {
  Object.assign(state, { chosen: {}, ranges: {}, where: "" });
  showFilters();
  go();
}

/** Put the state into the address, and search; done once the answer is shown. */
function go({ top = PAGE, replace = false } = {}) {
  state.top = top;
  const address = `?${write(state)}`;
  if (address !== location.search) history[replace ? "replaceState" : "pushState"](null, "", address);
  return run();
}

const ofKind = (kind) => Object.keys(about.modalities).filter((name) => about.modalities[name] === kind);

/** The first words go into the bar; further ones, and tables, have lines of their own. */
function fields() {
  return [...ofKind("words"), ...ofKind("rows")];
}

function drawWords() {
  const [first, ...others] = fields();
  at("words").value = state.values[first] ?? "";
  at("words").disabled = first === undefined;
  at("more-words").replaceChildren(...others.map((name) => {
    const input = make("input", { value: state.values[name] ?? "", "data-name": name,
      placeholder: about.modalities[name] === "rows" ? "name: value, name: value" : "words" });
    return make("label", { class: "field" }, name, input);
  }));
}

function takeWords() {
  const [first] = fields();
  if (first !== undefined) state.values[first] = at("words").value.trim();
  for (const input of at("more-words").querySelectorAll("input")) state.values[input.dataset.name] = input.value.trim();
}

/** "colour: red, size: 3" as a table. */
function tableOf(text) {
  const pairs = text.split(",").map((pair) => pair.split(/[:=]/)).filter(([name, value]) => name?.trim() && value?.trim());
  return JSON.stringify(Object.fromEntries(pairs.map(([name, ...value]) => [name.trim(), typed(value.join(":").trim())])));
}

function typed(text) {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

function parts() {
  const words = Object.entries(state.values).filter(([name, value]) => value && name in about.modalities);
  return { ...Object.fromEntries(words), ...given };
}

async function run() {
  running.abort();
  running = new AbortController();
  const query = parts();
  drawParts(at("parts"), { parts: query, like: state.like, weights: state.weights }, about, {
    onWeight: (name, weight) => { state.weights[name] = weight; go({ replace: true }); },
    onRemove: remove,
    onUnlike: () => { state.like = ""; go(); },
  });
  drawLegend(Object.keys(query));
  const count = filters(state);
  at("narrowed").textContent = count;
  at("narrowed").hidden = !count;
  at("results").classList.add("waiting");
  const sent = Object.fromEntries(Object.entries(query).map(([name, value]) =>
    [name, about.modalities[name] === "rows" ? tableOf(value) : value]));
  const started = performance.now();
  try {
    const asked = { parts: state.like ? {} : sent, like: state.like, weights: state.weights };
    const { hits } = await search({ ...asked, where: filter(state, about.columns), top: state.top }, running.signal);
    present(hits, Object.keys(query).length > 0 || state.like, performance.now() - started);
  } catch (error) {
    if (error.name === "AbortError") return;
    at("results").replaceChildren();
    at("further").hidden = true;
    say(error.message, true);
  }
  at("results").classList.remove("waiting");
}

function present(hits, ranked, milliseconds) {
  at("results").replaceChildren(...(hits.length ? hits.map((hit) => drawCard(hit, about, like)) : [drawNothing()]));
  at("further").hidden = hits.length < state.top || state.top >= MOST;
  const files = Object.keys(given).length ? " · files are not part of the link" : "";
  say(`${counted(hits.length, ranked)} in ${Math.round(milliseconds)} ms${files}`);
}

function counted(found, ranked) {
  const all = ranked || filters(state) ? "" : ` of ${about.items.toLocaleString("en")}`;
  return `${found}${all} ${ranked ? "nearest " : ""}${(all ? about.items : found) === 1 ? "item" : "items"}`;
}

/** What stands in place of results, and the way out. */
function drawNothing() {
  if (!filters(state)) return make("li", { class: "nothing" }, make("p", {}, "There is nothing to be found."));
  return make("li", { class: "nothing" }, make("p", {}, "No item fits the filters."),
    make("button", { type: "button", class: "plain", onclick: clearFilters }, "Clear filters"));
}

function drawLegend(names) {
  const entries = names.length > 1 && !state.like ? names : [];
  at("legend").replaceChildren(...entries.map((name) => make("li", { colour: colourOf(name, about) }, name)));
}

function like(id) {
  given = {};
  state = { ...empty(), like: id, chosen: state.chosen, ranges: state.ranges, where: state.where };
  drawWords();
  go();
  scrollTo({ top: 0 });
}

function remove(name) {
  delete given[name];
  delete state.values[name];
  drawWords();
  go();
}

async function take(list) {
  const refused = [];
  for (const file of list) {
    const name = modalityOf(file, about);
    if (!name) refused.push(`${file.name}: no modality of this index reads ${file.type || "such files"}`);
    else if (file.size > about.max_bytes) refused.push(`${file.name}: over ${Math.round(about.max_bytes / 2 ** 20)} MB`);
    else given[name] = file;
  }
  if (refused.length < list.length) {
    state.like = "";
    takeWords();
    await go();
  }
  if (refused.length) say(refused.join("; "), true); // after the answer, which would take its place
}

function say(text, bad = false) {
  at("status").textContent = text;
  at("status").classList.toggle("bad", bad);
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied");
  } catch {
    prompt("The link to this search", location.href); // the clipboard is not open to every page
  }
}

function listen() {
  at("form").addEventListener("submit", (event) => { event.preventDefault(); state.like = ""; takeWords(); go(); });
  at("words").addEventListener("search", () => { if (!at("words").value) { takeWords(); go(); } });
  at("file").addEventListener("change", (event) => { take(event.target.files); event.target.value = ""; });
  at("narrow").addEventListener("click", () => openFilters(at("filters").hidden));
  at("share").addEventListener("click", copyLink);
  at("further").addEventListener("click", () => go({ top: Math.min(MOST, state.top + PAGE), replace: true }));
  addEventListener("popstate", show);
  addEventListener("keydown", onKey);
  addEventListener("paste", (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); });
  addEventListener("dragover", (event) => { event.preventDefault(); at("drop").hidden = !event.dataTransfer.types.includes("Files"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) at("drop").hidden = true; });
  addEventListener("drop", (event) => { event.preventDefault(); at("drop").hidden = true; take(event.dataTransfer.files); });
}

function openFilters(open) {
  at("filters").hidden = !open;
  at("narrow").setAttribute("aria-expanded", String(open));
}

/** "/" goes to the words; arrows go from card to card; "m" asks for more like the card; Escape closes the filters. */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && at("filters").contains(event.target)) { openFilters(false); at("narrow").focus(); return; }
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "/" && !typing) { event.preventDefault(); at("words").focus(); at("words").select(); return; }
  if (event.key === "ArrowDown" && event.target === at("words")) { at("results").firstElementChild?.focus(); event.preventDefault(); return; }
  const card = event.target.closest?.(".card");
  if (!card || event.target !== card) return;
  if (event.key === "m") like(card.dataset.id);
  const columns = getComputedStyle(at("results")).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step) return;
  event.preventDefault();
  const cards = [...at("results").children];
  (cards[cards.indexOf(card) + step] ?? (step < 0 ? at("words") : card)).focus();
}

begin();
