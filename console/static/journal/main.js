// /journal: who did what, and who opened what, for auditors: newest first, filters in the address, each entry with its place in the chain.
import { get } from "../lib/api.js";
import { start, title } from "../lib/boot.js";
import { cls, html, signal, useEffect } from "../lib/dom.js";
import { Header } from "../lib/header.js";
import { nameOf, number, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { full, longDay, clockSeconds } from "../lib/time.js";
import { Button, Empty, Trouble, toast } from "../lib/ui.js";
import { midnight } from "../case/days.js";

const KINDS = ["signed_in", "sign_in_failed", "signed_out", "command", "unsealed", "exported", "erased", "account", "token", "silence", "hooks"], NAMES = ["person", "case", "kind", "since", "until"], PAGE = 100, TYPING_MS = 350;
const ICONS = { signed_in: "person", sign_in_failed: "close", signed_out: "out", command: "check", unsealed: "eye", exported: "out", erased: "minus", account: "person", token: "layers", silence: "mute", hooks: "send" };
const LOUD = new Set(["unsealed", "exported", "sign_in_failed", "erased"]); // what an auditor looks for first

const read = () => Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
const asked = signal(read()), entries = signal([]), next = signal(null), problem = signal(null), busy = signal(true);
addEventListener("popstate", () => { asked.value = read(); });

function ask(changes) {
  const now = { ...asked.value, ...changes }, said = new URLSearchParams(Object.entries(now).filter(([, value]) => value)).toString();
  history.replaceState(null, "", said ? `/journal?${said}` : "/journal");
  asked.value = now;
}

let turn = 0;

async function load({ more = false } = {}) {
  const mine = turn += 1, { since, until, ...rest } = asked.value;
  busy.value = true;
  try {
    const told = await get("/journal", { ...rest, since: since && midnight(since, 0), until: until && midnight(until, 1), before: more ? next.value : undefined, limit: PAGE });
    if (mine !== turn) return;
    [entries.value, next.value, problem.value] = [more ? [...entries.value, ...told.entries] : told.entries, told.next, null];
  } catch (error) {
    if (mine === turn) problem.value = error;
  } finally {
    if (mine === turn) busy.value = false;
  }
}

const TOLD = { // what of an entry is shown, and how
  case_id: (value) => html`<a href=${`/case/${value}`}>${value}</a>`, type: (value) => word("command", value), purpose: (value) => html`<q>${value}</q>`,
  fields: (value) => value.map((one) => word("journal.field", one)).join(t("and")), district: (value) => nameOf("districts", value), values: (value) => t("journal.values", { n: value }),
};
const ORDER = ["case_id", "type", "purpose", "fields", "values"];
const HIDDEN = new Set(["command_id", "district"]);

function What({ what }) {
  const names = [...ORDER.filter((name) => name in what), ...Object.keys(what).filter((name) => !ORDER.includes(name) && !HIDDEN.has(name))].filter((name) => what[name] !== null && what[name] !== "");
  return names.map((name) => html`<span key=${name} class="told">${TOLD[name] ? TOLD[name](what[name]) : html`<small>${word("journal.what", name)}</small> ${typeof what[name] === "object" ? JSON.stringify(what[name]) : String(what[name])}`}</span>`);
}

function Entry({ entry }) {
  const copy = () => navigator.clipboard?.writeText(`${entry.sequence} ${entry.hash}`).then(() => toast({ text: t("journal.copied"), ms: 2500 }));
  return html`<tr class=${cls({ loud: LOUD.has(entry.kind) })} data-kind=${entry.kind}><td class="n">${entry.sequence}</td><td><time datetime=${entry.at} title=${full(entry.at)}>${clockSeconds(entry.at)}</time></td>
    <td><span class="sort"><${Icon} name=${ICONS[entry.kind] ?? "check"} size="16"/>${word("journal.kind", entry.kind)}</span></td><td><button type="button" class="as-link" onClick=${() => ask({ person: entry.person })}>${entry.person}</button></td>
    <td class="what"><${What} what=${entry.what}/></td><td><button type="button" class="hash" title=${entry.hash} onClick=${copy}><span class="unseen">${t("journal.copy", { n: entry.sequence })}</span><code>${entry.hash.slice(0, 10)}</code></button></td></tr>`;
}

/** Entries by day. */
function Table() {
  const days = new Map();
  for (const entry of entries.value) days.set(longDay(entry.at), [...(days.get(longDay(entry.at)) ?? []), entry]);
  return html`<div class="scroll" role="region" aria-label=${t("page.journal")} tabindex="0"><table aria-busy=${busy.value}><caption class="unseen">${t("page.journal")}</caption>
    <thead><tr>${["number", "at", "kind", "person", "what", "hash"].map((name) => html`<th key=${name} scope="col" class=${cls({ n: name === "number" })}>${t(`journal.${name}`)}</th>`)}</tr></thead>
    ${[...days].map(([day, list]) => html`<tbody key=${day}><tr class="day"><th colspan="6" scope="rowgroup">${day}</th></tr>${list.map((entry) => html`<${Entry} key=${entry.sequence} entry=${entry}/>`)}</tbody>`)}</table>
    ${next.value && html`<p class="more"><${Button} busy=${busy.value} onClick=${() => load({ more: true })}>${t("journal.more", { n: PAGE })}<//></p>`}</div>`;
}

let timer = null;
const later = (name) => (event) => {
  const { value } = event.target;
  clearTimeout(timer);
  timer = setTimeout(() => ask({ [name]: value.trim() }), TYPING_MS);
};

function Filters() {
  const { person, case: of, kind, since, until } = asked.value, any = NAMES.some((name) => asked.value[name]);
  return html`<form class="row" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label><span>${t("journal.person")}</span><input id="search" type="search" value=${person} onInput=${later("person")}/></label><label><span>${t("journal.case")}</span><input type="search" class="wide" placeholder="QD-…" value=${of} onInput=${later("case")}/></label>
    <label><span>${t("journal.kind")}</span><select value=${kind} onChange=${(event) => ask({ kind: event.target.value })}><option value="">${t("journal.every")}</option>${KINDS.map((one) => html`<option key=${one} value=${one}>${word("journal.kind", one)}</option>`)}</select></label>
    <label><span>${t("cases.filter.since")}</span><input type="date" value=${since} onInput=${(event) => ask({ since: event.target.value })}/></label><label><span>${t("cases.filter.until")}</span><input type="date" value=${until} onInput=${(event) => ask({ until: event.target.value })}/></label>
    ${any && html`<${Button} kind="quiet" icon="close" onClick=${() => ask(Object.fromEntries(NAMES.map((name) => [name, ""])))}>${t("cases.filter.clear")}<//>`}</form>`;
}

/** What makes the journal worth believing, and how far it reaches: the newest number and hash are what a checkpoint signs. */
function Chain() {
  const newest = entries.value[0], whole = !NAMES.some((name) => asked.value[name]);
  return html`<aside class="chain"><${Icon} name="layers" size="20"/><p><b>${newest && whole ? t("journal.reach", { n: number(newest.sequence) }) : t("journal.chain")}</b><span>${t("journal.how")} <code>cityloop journal verify</code></span></p></aside>`;
}

function App() {
  const key = JSON.stringify(asked.value);
  useEffect(() => { load(); }, [key]);
  useEffect(() => title(t("page.journal")), []);
  useKeys([["/", "key.search", () => document.getElementById("search").focus()], ["r", "key.refresh", () => load()]]);
  return html`<${Header} live=${false}/><main id="main" class="journal"><header class="top"><div><h1>${t("journal.title")}</h1><p class="hint">${t("journal.hint")}</p></div><${Chain}/></header><${Filters}/>
    ${problem.value ? html`<${Trouble} error=${problem.value} onRetry=${() => load()}/>` : entries.value.length || busy.value ? html`<${Table}/>` : html`<${Empty} icon="search" title=${t("journal.none")}/>`}</main>`;
}

await start(App);
