// Names and times in the reader's language: `?lang=en`, Chinese otherwise. Times are the city's, in the city's zone.

export const lang = new URLSearchParams(location.search).get("lang") === "en" ? "en" : "zh";
const locale = lang === "en" ? "en-GB" : "zh-CN";
let labels = {}, names = {}, formats = {};

export async function loadWords() {
  const [all, catalogue] = await Promise.all(["static/labels.json", "api/v1/catalogue"].map(async (url) => (await fetch(url)).json()));
  [labels, names] = [all[lang], catalogue];
  const format = (options) => new Intl.DateTimeFormat(locale, { timeZone: catalogue.city.zone, hourCycle: "h23", ...options });
  formats = { time: format({ hour: "2-digit", minute: "2-digit" }), day: format({ month: "long", day: "numeric", weekday: "short" }) };
  document.documentElement.lang = locale;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.ariaLabel = element.title = t(element.dataset.tLabel);
}

export const t = (key, n = "", m = "") => (labels[key] ?? key).replace("{n}", n).replace("{m}", m);
export const nameOf = (kind, key) => names[kind]?.[key]?.[lang] ?? key ?? "";
export const cityName = () => names.city[lang];
export const timeOf = (moment) => formats.time.format(new Date(moment));
export const dayOf = (moment) => formats.day.format(new Date(moment));
export const number = (n) => n.toLocaleString(locale);

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
