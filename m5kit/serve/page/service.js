// Requests to the service.

/** Its answer, or an Error whose message can be shown. */
export async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service does not answer. Is it still running?");
  }
  const body = await answer.json().catch(() => ({ error: `The service answered with status ${answer.status}.` }));
  if (!answer.ok) throw new Error(body.error);
  return body;
}

/** The hits of a search; parts are words, tables and files by modality. */
export function search({ parts, like, weights, where, top }, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) form.append(name, value);
  const used = Object.fromEntries(Object.entries(weights).filter(([name]) => name in parts));
  form.append("options", JSON.stringify({ weights: used, where, top, ...(like ? { like } : {}) }));
  return ask("search", { method: "POST", body: form, signal });
}

/** The modality that a file is searched by: the one whose files are of the same kind. */
export function modalityOf(file, about) {
  const kind = file.type.split("/", 1)[0];
  return Object.keys(about.accepts).find((name) => about.accepts[name].includes(kind));
}
