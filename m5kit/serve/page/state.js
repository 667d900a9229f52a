// What is searched for. Everything but files stands in the address, so that a link shows the same search.

export const PAGE = 24; // hits of a page
export const MOST = 192;

export function empty() {
  return { values: {}, weights: {}, like: "", chosen: {}, ranges: {}, where: "", top: PAGE };
}

/** The state of an address: v.NAME words, w.NAME weight, f.COLUMN value, min.COLUMN and max.COLUMN, like, where, top. */
export function read(search) {
  const state = empty();
  for (const [key, value] of new URLSearchParams(search)) {
    const [kind, name] = [key.split(".", 1)[0], key.slice(key.indexOf(".") + 1)];
    if (key === "like" || key === "where") state[key] = value;
    else if (key === "top") state.top = Math.min(MOST, Math.max(PAGE, Number(value) || PAGE));
    else if (kind === "v") state.values[name] = value;
    else if (kind === "w") state.weights[name] = Math.min(1, Math.max(0, Number(value) || 0));
    else if (kind === "f") (state.chosen[name] ??= []).push(value);
    else if (kind === "min" || kind === "max") (state.ranges[name] ??= {})[kind] = value;
  }
  return state;
}

export function write(state) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state.values)) if (value) query.set(`v.${name}`, value);
  for (const [name, weight] of Object.entries(state.weights)) if (weight !== 1) query.set(`w.${name}`, weight);
  for (const [name, values] of Object.entries(state.chosen)) for (const value of values) query.append(`f.${name}`, value);
  for (const [name, ends] of Object.entries(state.ranges))
    for (const [end, value] of Object.entries(ends)) if (value !== "") query.set(`${end}.${name}`, value);
  if (state.like) query.set("like", state.like);
  if (state.where) query.set("where", state.where);
  if (state.top !== PAGE) query.set("top", state.top);
  return query.toString();
}

/** The filter in the words of the service. */
export function filter(state, columns) {
  const conditions = [];
  for (const { name, kind } of columns) {
    const column = name.includes('"') ? `\`${name}\`` : `"${name}"`;
    const chosen = state.chosen[name] ?? [];
    if (chosen.length && kind === "string") conditions.push(`${column} in (${chosen.map(quoted).join(", ")})`);
    if (chosen.length === 1 && kind === "boolean") conditions.push(`${column} = ${chosen[0] === "true"}`);
    const { min = "", max = "" } = state.ranges[name] ?? {};
    if (min !== "" && Number.isFinite(Number(min))) conditions.push(`${column} >= ${Number(min)}`);
    if (max !== "" && Number.isFinite(Number(max))) conditions.push(`${column} <= ${Number(max)}`);
  }
  if (state.where.trim()) conditions.push(`(${state.where})`);
  return conditions.join(" and ");
}

export function filters(state) {
  const ranges = Object.values(state.ranges).filter((ends) => Object.values(ends).some((value) => value !== ""));
  const chosen = Object.values(state.chosen).filter((values) => values.length);
  return chosen.length + ranges.length + (state.where.trim() ? 1 : 0);
}

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
