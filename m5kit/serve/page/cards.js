// Results as cards: picture, players, title, properties, and the share that each part of the query has.

import { colourOf, icon, make } from "./html.js";

const SHOWN = 4; // properties that are seen at once

export function drawCard(hit, about, onLike) {
  return make("li", { class: "card", tabindex: "0", "data-id": hit.id, "aria-label": hit.title || hit.id },
    drawStage(hit),
    make("div", { class: "text" },
      make("h2", { title: hit.title || hit.id }, hit.title || hit.id),
      hit.score === null ? null : drawScore(hit, about),
      ...sounds(hit).map(drawPlayer),
      ...drawProperties(hit.properties),
      make("div", { class: "acts" },
        make("code", { title: `id ${hit.id}` }, hit.id),
        make("button", { type: "button", class: "like", onclick: () => onLike(hit.id) }, "More like this"))));
}

const files = (hit, kind) => hit.files.filter((file) => file.type?.startsWith(`${kind}/`));
const sounds = (hit) => files(hit, "audio");

/** The picture of an item, else a frame of its video, else its sound as a picture; a video plays in its place. */
function drawStage(hit) {
  const [video] = files(hit, "video");
  const seen = [...files(hit, "image"), ...files(hit, "video"), ...sounds(hit)][0];
  const stage = make("div", { class: "stage" });
  const letter = make("span", { class: "letter", "aria-hidden": "true" }, [...(hit.title || "–")][0]);
  if (!seen) {
    stage.classList.add("bare");
    stage.append(letter);
    return stage;
  }
  const wave = seen.type.startsWith("audio/");
  const picture = make("img", { src: seen.thumbnail, alt: "", loading: "lazy", decoding: "async", class: wave ? "wave" : undefined });
  picture.addEventListener("error", () => picture.replaceWith(letter)); // the file has gone
  stage.append(picture);
  const pictures = files(hit, "image");
  if (pictures.length > 1) stage.append(drawOthers(pictures, picture));
  if (video) {
    const play = make("button", { type: "button", class: "play", onclick: () => {
      stage.replaceChildren(make("video", { src: video.file, controls: true, autoplay: true, loop: true, playsinline: true }));
    } }, icon("M8 5.5v13l11-6.5z"), "Play");
    stage.append(play);
  }
  return stage;
}

/** Small pictures of an item that has several: one is shown large when it is pointed at or reached by the keyboard. */
function drawOthers(pictures, large) {
  const row = make("div", { class: "others" });
  for (const [number, file] of pictures.entries()) {
    const show = () => { large.src = file.thumbnail; };
    const small = make("img", { src: file.thumbnail, alt: "", loading: "lazy" });
    row.append(make("button", { type: "button", "aria-label": `Picture ${number + 1} of ${pictures.length}`, onclick: show, onfocus: show, onmouseenter: show }, small));
  }
  return row;
}

function drawPlayer(file) {
  return make("audio", { controls: true, preload: "none", src: file.file, "aria-label": file.modality });
}

/** The score, and a bar of the parts of the query: how near the hit is to each of them alone. */
function drawScore(hit, about) {
  const shares = Object.entries(hit.shares);
  const said = shares.map(([name, share]) => `${name} ${Math.round(share * 100)} %`).join(", ");
  const bar = make("span", { class: "shares", role: "img", "aria-label": `Shares: ${said}`, title: said });
  for (const [name, share] of shares) {
    const piece = make("i", { colour: colourOf(name, about) });
    piece.style.flexGrow = share;
    if (share > 0) bar.append(piece);
  }
  return make("div", { class: "score" },
    make("span", { title: "cosine similarity" }, hit.score.toFixed(3)), shares.length > 1 ? bar : null);
}

function drawProperties(properties) {
  const entries = Object.entries(properties);
  const table = (some) => make("dl", {}, ...some.flatMap(([name, value]) => [make("dt", {}, ...breakable(name)), make("dd", { title: shown(value) }, shown(value))]));
  const parts = entries.length ? [table(entries.slice(0, SHOWN))] : [];
  if (entries.length > SHOWN)
    parts.push(make("details", {}, make("summary", {}, `${entries.length - SHOWN} more`), table(entries.slice(SHOWN))));
  return parts;
}

/** A name that may be broken after its underscores, so that no word is cut. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((piece) => [piece, document.createElement("wbr")]);
}

function shown(value) {
  if (typeof value === "number") return value.toLocaleString("en", { maximumFractionDigits: 6 });
  return value === true ? "yes" : value === false ? "no" : String(value);
}
