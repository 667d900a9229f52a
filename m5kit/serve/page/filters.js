// Filters: frequent values to tick, ranges of numbers, yes or no, and a line to write any filter in.

import { make } from "./html.js";

const TICKED = 30; // values; a column with more is filtered in writing

/** Draw the filters; onChange is told after each change of the state, onClear when all of them are to go. */
export function drawFilters(panel, state, about, { onChange, onClear }) {
  const drawn = about.columns.map((column) => drawColumn(column, state, onChange)).filter(Boolean);
  const names = about.columns.map((column) => column.name).join(", ");
  const written = make("input", {
    id: "where", value: state.where, placeholder: example(about.columns), spellcheck: "false",
    onchange: (event) => { state.where = event.target.value; onChange(); },
  });
  const clear = make("button", { type: "button", class: "plain", onclick: onClear }, "Clear filters");
  panel.replaceChildren(
    make("div", { class: "columns" }, ...drawn),
    make("div", { class: "written" }, make("label", { for: "where", title: `Columns: ${names}` }, "Any filter"), written, clear));
}

function drawColumn(column, state, onChange) {
  const { kind, facts } = column;
  if (!facts.known) return null;
  if (kind === "number") return facts.low === facts.high ? null : drawRange(column, state, onChange);
  if (facts.distinct < 2 || facts.distinct > TICKED) return null;
  return drawValues(column, state, onChange);
}

function drawValues({ name, facts }, state, onChange) {
  const chosen = new Set(state.chosen[name] ?? []);
  const boxes = facts.values.map(([value, count]) => {
    const text = String(value);
    const box = make("input", { type: "checkbox", checked: chosen.has(text), onchange: (event) => {
      if (event.target.checked) chosen.add(text); else chosen.delete(text);
      state.chosen[name] = [...chosen];
      onChange();
    } });
    return make("label", {}, box, make("span", {}, shown(value)), make("small", {}, String(count)));
  });
  return make("fieldset", {}, make("legend", {}, name), make("div", { class: "values" }, ...boxes));
}

function drawRange({ name, facts }, state, onChange) {
  const ends = (state.ranges[name] ??= {});
  const end = (which, bound) => make("input", {
    type: "number", step: "any", value: ends[which] ?? "", placeholder: round(bound), "aria-label": `${name}, ${which}`,
    onchange: (event) => { ends[which] = event.target.value; onChange(); },
  });
  return make("fieldset", {}, make("legend", {}, name),
    make("div", { class: "range" }, end("min", facts.low), "to", end("max", facts.high)));
}

/** A filter that could be written for these columns. */
function example(columns) {
  const number = columns.find(({ kind, facts }) => kind === "number" && facts.known);
  const text = columns.find(({ kind, facts }) => kind === "string" && facts.values?.length);
  const conditions = [];
  if (number) conditions.push(`${number.name} < ${round((number.facts.low + number.facts.high) / 2)}`);
  if (text) conditions.push(`${text.name} = '${text.facts.values[0][0]}'`);
  return conditions.join(" and ");
}

const shown = (value) => (value === true ? "yes" : value === false ? "no" : value);
const round = (number) => String(Number(number.toPrecision(5)));
