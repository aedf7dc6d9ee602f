// The tasks of a person, most urgent first, and one of them in full: everything needed on the spot, the next act under the thumb.
import { cls, html, signal, useEffect } from "../lib/dom.js";
import { nameOf, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { tick } from "../lib/time.js";
import { Menu, Shape } from "../lib/ui.js";
import { sorted } from "../case/forms.js";
import { bearing, follow, permission } from "./where.js";
import { dueOf, farOf, said } from "./words.js";

export const here = signal(null), asked = signal("prompt"); // the phone's position, and whether its owner was asked for it

const address = (task) => task.address || [nameOf("districts", task.district), task.grid].filter(Boolean).join(" ") || t("place.unknown");
const thumbnail = (task) => `/api/v1/evidence/${task.picture}/thumbnail`, hide = (event) => { event.target.hidden = true; }; // not kept, and no network
export const titleOf = (task) => nameOf("categories", task.category);

/** Begins to follow the phone; a browser that would ask first is asked only when the person presses the button. */
export function locate() {
  return follow((found) => { here.value = found; asked.value = "granted"; }, () => { asked.value = "denied"; });
}

export async function locateIfGranted() {
  asked.value = await permission();
  if (asked.value === "granted") locate();
}

const Far = ({ task }) => here.value && html`<span class="far"><${Icon} name="place" size="16"/>${farOf(bearing(here.value, task), here.value.accuracy_m)}</span>`;

export function Due({ task, long = false }) {
  tick.value;
  const due = dueOf(task);
  return due ? html`<p class=${cls("due-words", due.light)}><${Icon} name="clock" size=${long ? 22 : 18}/><b>${due.says}</b><span>${due.at}</span></p>`
    : html`<p class="due-words none"><${Icon} name="clock" size="18"/><b>${t("due.none")}</b></p>`;
}

/** What became of the person's own last word on it. */
export function Pending({ task }) {
  if (task.refused) return html`<p class="mark bad"><${Icon} name="close" size="16"/>${t("box.refusedOne", { what: word("command", task.refused.type) })}</p>`;
  return task.pending && html`<p class="mark"><${Icon} name="clock" size="16"/>${t("box.waitingOne", { what: word("command", task.pending.type) })}</p>`;
}

export const Card = ({ task }) => html`<li><a class=${cls("task", { done: task.done })} href=${`#${task.case_id}`}>
  <div class="top"><${Shape} severity=${task.severity} size="16"/><h2>${titleOf(task)}</h2><span class="state">${word("state", task.state)}</span></div>
  <div class="middle"><div><${Due} task=${task}/><p class="place">${address(task)} <${Far} task=${task}/></p></div>
    ${task.picture && html`<img src=${thumbnail(task)} alt="" width="64" height="64" loading="lazy" onError=${hide}/>`}</div><${Pending} task=${task}/></a></li>`;

const Fact = ({ name, children }) => children ? html`<div><dt>${name}</dt><dd>${children}</dd></div>` : null;

const mapLink = ({ lon, lat, category }) => `geo:${lat},${lon}?q=${lat},${lon}(${encodeURIComponent(nameOf("categories", category))})`;

export function Task({ task, onAct, onBack }) {
  useEffect(() => { scrollTo(0, 0); document.getElementById("task-title")?.focus(); }, [task.case_id]);
  const { forward, beside, more } = sorted(task.actions), [first, ...others] = [...forward, ...beside, ...more];
  const [rest, hidden] = [others.slice(0, 2), [...others.slice(2), ...task.actions.filter((action) => action.command === "note")]];
  return html`<article class="one" aria-labelledby="task-title">
    <header><button type="button" class="icon-button back" aria-label=${t("field.back")} onClick=${onBack}><${Icon} name="left" size="24"/></button>
      <h2 id="task-title" tabindex="-1">${titleOf(task)}</h2><span class="state">${word("state", task.state)}</span></header>
    <${Due} task=${task} long/><${Pending} task=${task}/>
    ${task.picture && html`<img class="picture" src=${thumbnail(task)} alt=${t("photo.before")} onError=${hide}/>`}
    <section class="where"><p><${Icon} name="place" size="20"/><b>${address(task)}</b></p>
      <p>${here.value ? html`<${Far} task=${task}/>` : asked.value === "denied" || asked.value === "none" ? html`<span class="hint">${t("far.denied")}</span>`
        : html`<button type="button" class="button quiet" onClick=${locate}>${t("far.ask")}</button>`}
        <a class="button quiet" href=${mapLink(task)}><${Icon} name="open"/>${t("place.open")}</a></p></section>
    <dl><${Fact} name=${t("task.closing")}>${said(task.closing_condition)}<//>
      <${Fact} name=${t("task.why")}>${said(task.why)}<//>
      <${Fact} name=${t("task.severity")}><${Shape} severity=${task.severity} named/><//>
      <${Fact} name=${t("task.seen")}>${t("task.count", { n: task.count })}<//>
      <${Fact} name=${t("task.number")}><code>${task.case_id}</code><//></dl>
    <footer class="acts">${others.length + hidden.length > 0 && html`<div class="rest">${rest.map((action) => html`<button type="button" class="button" key=${action.command}
        onClick=${() => onAct(action)}>${word("command", action.command)}</button>`)}
        ${hidden.length > 0 && html`<${Menu} label=${t("field.menu")} icon="more" text=${t("field.menu")} items=${hidden.map((action) => ({ label: word("command", action.command), act: () => onAct(action) }))}/>`}</div>`}
      ${first ? html`<button type="button" class="button main big" onClick=${() => onAct(first)}>${word("command", first.command)}</button>`
        : html`<p class="hint">${t(task.pending ? "task.waits" : "task.nothing")}</p>`}</footer>
  </article>`;
}
