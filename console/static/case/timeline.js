// The story of the case, newest first: each fact with who, when and why, an address of its own, what machines and rules did folded away until asked for;
// a note is written where it is read.
import { cls, html, signal, useEffect, useState } from "../lib/dom.js";
import { nameOf, t, word } from "../lib/i18n.js";
import { clock, full, longDay } from "../lib/time.js";
import { Button } from "../lib/ui.js";
import { give } from "./act.js";
import { because } from "./reports.js";

const QUIET = new Set(["sighted", "updated", "reminded"]), FILTERS = ["people", "all", "notes"];
const filter = signal(new URLSearchParams(location.search).get("events") ?? "people");
export const marked = signal(location.hash); // "#e12" or "#evidence"
addEventListener("hashchange", () => { marked.value = location.hash; });

const byMachine = (event) => event.actor.role === "system";
const PASS = { people: (event) => !byMachine(event) || !QUIET.has(event.type), all: () => true, notes: (event) => event.note || event.reason || event.type === "noted" };

function choose(name) {
  filter.value = name;
  const address = new URL(location.href);
  if (name === "people") address.searchParams.delete("events"); else address.searchParams.set("events", name);
  history.replaceState(null, "", address);
}

/** Runs of what the filter leaves out, between what it shows: [{event} | {folded: [events]}]. */
function folded(events) {
  const shown = [];
  for (const event of events) {
    if (PASS[filter.value](event) || marked.value === `#e${event.sequence}`) shown.push({ event });
    else if (shown.at(-1)?.folded) shown.at(-1).folded.push(event);
    else shown.push({ folded: [event] });
  }
  return shown;
}

const NAMES = { unit: (value) => nameOf("units", value), assisting: (value) => value.map((one) => nameOf("units", one)).join(t("and")), category: (value) => nameOf("categories", value), severity: (value) => word("severity", value), level: (value) => word("level", value) };
const told = (changes) => Object.entries(NAMES).filter(([name]) => changes[name] && changes[name].length).map(([name, say]) => `${t(`ask.${name}`)} ${say(changes[name])}`).join(" · ");

const who = ({ actor }) => byMachine({ actor }) ? word("by", actor.id.split(":")[1]) : `${actor.id} · ${word("role", actor.role)}`;

function Event({ event }) {
  const on = marked.value === `#e${event.sequence}`;
  useEffect(() => { if (on) document.getElementById(`e${event.sequence}`)?.scrollIntoView({ block: "center" }); }, [on]);
  return html`<li id=${`e${event.sequence}`} class=${cls("event", { on, machine: byMachine(event) })}><a class="at" href=${`#e${event.sequence}`} title=${t("timeline.link", { at: full(event.at) })}><time datetime=${event.at}>${clock(event.at)}</time></a>
    <div><p><b>${word("fact", event.type)}</b> <span class="by">${who(event)}</span></p>
      ${told(event.changes) && html`<p class="changes">${told(event.changes)}</p>`}${event.reason && html`<p class="reason">${because(event.reason)}</p>`}${event.note && html`<p class="note">${event.note}</p>`}</div></li>`;
}

function Folded({ events }) {
  const [isOpen, setOpen] = useState(false);
  if (isOpen) return events.map((event) => html`<${Event} key=${event.sequence} event=${event}/>`);
  return html`<li class="folded"><button type="button" onClick=${() => setOpen(true)}>${t("timeline.folded", { n: events.length })}</button></li>`;
}

export function Timeline({ events, noteAction }) {
  const days = new Map();
  for (const event of [...events].reverse()) {
    const key = longDay(event.at);
    if (!days.has(key)) days.set(key, []);
    days.get(key).push(event);
  }
  return html`<section class="panel timeline" aria-labelledby="timeline-title"><header><h2 id="timeline-title">${t("timeline.title")}</h2>
      <div class="filters" role="group" aria-label=${t("timeline.filter")}>${FILTERS.map((name) => html`<button type="button" key=${name} aria-pressed=${filter.value === name} onClick=${() => choose(name)}>${t(`timeline.show.${name}`)}</button>`)}</div></header>
    ${noteAction && html`<${Note} action=${noteAction}/>`}
    ${[...days].map(([name, list]) => html`<div key=${name}><h3>${name}</h3><ol>${folded(list).map((one) => one.event ? html`<${Event} key=${one.event.sequence} event=${one.event}/>` : html`<${Folded} key=${`f${one.folded[0].sequence}`} events=${one.folded}/>`)}</ol></div>`)}</section>`;
}

function Note({ action }) {
  const [text, setText] = useState("");
  const send = (event) => {
    event.preventDefault();
    if (!text.trim()) return;
    give(action, { note: text.trim() }, []);
    setText("");
  };
  const key = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event); };
  return html`<form class="write" onSubmit=${send}><label class="unseen" for="note">${t("timeline.note")}</label>
    <textarea id="note" rows="2" maxlength="2000" placeholder=${t("timeline.note")} value=${text} onInput=${(event) => setText(event.target.value)} onKeyDown=${key}></textarea>
    ${text.trim() && html`<button type="submit" class="button main">${t("command.note")}</button>`}</form>`;
}
