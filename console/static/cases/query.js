// What the list shows, entirely in the address: filters, order and columns. A link to it is the view; the browser's back button goes through them.
import { signal } from "../lib/dom.js";
import { kept } from "../lib/dom.js";

export const MANY = ["status", "district", "category", "severity", "channel", "unit"], ONE = ["q", "tab", "overdue", "since", "until", "grid", "bbox", "sort"];
export const COLUMNS = ["case_id", "category", "state", "where", "district", "unit", "due", "opened", "seen", "count", "channel", "level", "sources"];
export const USUAL = ["case_id", "category", "state", "where", "district", "unit", "due", "opened", "count"];

const read = () => {
  const said = new URLSearchParams(location.search);
  const many = Object.fromEntries(MANY.map((name) => [name, said.getAll(name)])), one = Object.fromEntries(ONE.map((name) => [name, said.get(name) ?? ""]));
  return { ...many, ...one, columns: said.get("columns")?.split(",").filter((name) => COLUMNS.includes(name)) ?? kept.get("cases.columns", USUAL) };
};

export const asked = signal(read());
addEventListener("popstate", () => { asked.value = read(); });

/** The address of a list: only what differs from the usual. */
export function addressOf(list) {
  const said = new URLSearchParams();
  for (const name of MANY) list[name].forEach((value) => said.append(name, value));
  for (const name of ONE) if (list[name]) said.set(name, list[name]);
  if (list.columns.join() !== USUAL.join()) said.set("columns", list.columns.join());
  const text = said.toString();
  return text ? `/cases?${text}` : "/cases";
}

/** Change the list; typing replaces the entry of the history, choosing adds one. */
export function ask(changes, { typing = false } = {}) {
  const next = { ...asked.value, ...changes };
  if (changes.columns) kept.set("cases.columns", changes.columns);
  history[typing ? "replaceState" : "pushState"](null, "", addressOf(next));
  asked.value = next;
}

export const nothingAsked = () => [...MANY, ...ONE].filter((name) => name !== "sort").every((name) => !asked.value[name].length);

/** As the API takes it. A day is the city's; its end belongs to it. */
export function parameters(list, moment) {
  const said = Object.fromEntries([...MANY, ...ONE].filter((name) => list[name].length).map((name) => [name, list[name]]));
  if (list.since) said.since = moment(list.since, 0);
  if (list.until) said.until = moment(list.until, 1);
  return said;
}

/** What was chosen when the list was another. */
export const clear = () => ask({ ...Object.fromEntries(MANY.map((name) => [name, []])), ...Object.fromEntries(ONE.map((name) => [name, ""])), sort: asked.value.sort });
