// Words and names in the reader's language: Chinese unless they chose English. The server sends codes; the words stand in labels/{zh,en}.json.
import { kept } from "./dom.js";

const asked = new URLSearchParams(location.search).get("lang");
export const LANGS = ["zh", "en"];
export const lang = LANGS.includes(asked) ? asked : LANGS.includes(kept.get("lang")) ? kept.get("lang") : "zh";
export const locale = lang === "en" ? "en-GB" : "zh-CN";
if (LANGS.includes(asked)) kept.set("lang", asked);
document.documentElement.lang = locale;

let words = {};
export let catalogue = { city: {}, categories: {}, units: {}, districts: {} };

export async function loadWords() {
  const answer = await fetch(`/static/labels/${lang}.json`);
  words = await answer.json();
}

export const useCatalogue = (found) => { catalogue = { ...catalogue, ...found }; };

// `t("said", {n: 3})`: a word with its parameters; a key without a word shows itself. Plural: "said.one" where n is 1 and it exists.
export function t(key, parameters = {}) {
  const word = (parameters.n === 1 && words[`${key}.one`]) || words[key];
  return word === undefined ? key : word.replace(/\{(\w+)\}/g, (whole, name) => typeof parameters[name] === "number" ? number(parameters[name]) : parameters[name] ?? "");
}

export const hasWord = (key) => key in words;
// A closed set's member: `word("state", "filed")`; the bare code when it has no word yet.
export const word = (kind, code) => code === null || code === undefined ? "" : words[`${kind}.${code}`] ?? String(code);
// A thing of the city: `nameOf("categories" | "units" | "districts" | …, key)`.
export const nameOf = (kind, key) => catalogue[kind]?.[key]?.[lang] ?? catalogue[kind]?.[key]?.zh ?? key ?? "";
export const named = (both) => both?.[lang] ?? both?.zh ?? "";
export const cityName = () => catalogue.city[lang] ?? "";
export const number = (n) => n === null || n === undefined ? "–" : n.toLocaleString(locale);

export function chooseLanguage(other) {
  kept.set("lang", other);
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  if (address.href === location.href) location.reload();
  else location.replace(address);
}
