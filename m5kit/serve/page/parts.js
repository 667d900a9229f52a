// The parts of a query: words, tables, files and the item that others shall be like, with how much each counts.

import { colourOf, make } from "./html.js";
import { ask } from "./service.js";

/** Draw the parts; sliders appear once there are two. Words alone stand in the bar already. */
export function drawParts(list, { parts, like, weights }, about, { onWeight, onRemove, onUnlike }) {
  const names = Object.keys(parts);
  const plain = names.length < 2 && !(parts[names[0]] instanceof File);
  const drawn = plain ? [] : names.map((name) => drawPart(name, parts[name], names.length > 1, weights[name] ?? 1, about, { onWeight, onRemove }));
  if (like) drawn.push(drawLike(like, onUnlike));
  for (const old of list.querySelectorAll("[src^='blob:']")) URL.revokeObjectURL(old.src);
  list.replaceChildren(...drawn);
}

function drawPart(name, value, several, weight, about, { onWeight, onRemove }) {
  const file = value instanceof File;
  const amount = make("output", {}, percent(weight));
  const slider = make("input", {
    type: "range", min: 0, max: 100, step: 5, value: Math.round(weight * 100), "aria-label": `How much ${name} counts`,
    oninput: (event) => { amount.textContent = percent(event.target.value / 100); },
    onchange: (event) => onWeight(name, event.target.value / 100),
  });
  return make("li", { class: "part", colour: colourOf(name, about) },
    file ? picture(value) : null,
    make("div", { class: "what" }, make("b", {}, name), make("span", { title: file ? value.name : value }, file ? value.name : value)),
    several ? slider : null, several ? amount : null,
    make("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => onRemove(name) }, "✕"));
}

function drawLike(id, onUnlike) {
  const name = make("span", { title: id }, id);
  const part = make("li", { class: "part" },
    make("div", { class: "what" }, make("b", {}, "more like"), name),
    make("button", { type: "button", "aria-label": "Remove the example", onclick: onUnlike }, "✕"));
  describe(id, part, name);
  return part;
}

/** Show the example as soon as it is known. */
async function describe(id, part, name) {
  try {
    const { title, files } = await ask(`item?${new URLSearchParams({ item: id })}`);
    if (title) name.textContent = title;
    const seen = files.find((file) => file.type?.startsWith("image/")) ?? files.find((file) => file.type?.startsWith("video/"));
    if (seen) part.prepend(make("img", { src: seen.thumbnail, alt: "" }));
  } catch {
    // the search itself says that there is no such item
  }
}

function picture(file) {
  const still = file.type.startsWith("image/");
  if (!still && !file.type.startsWith("video/")) return null;
  const kind = still ? { alt: "" } : { muted: true, preload: "metadata" };
  const seen = make(still ? "img" : "video", { src: URL.createObjectURL(file), ...kind });
  seen.addEventListener("error", () => seen.remove()); // it is damaged, which the answer says
  return seen;
}

const percent = (share) => `${Math.round(share * 100)} %`;
