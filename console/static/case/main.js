// /case/{id}: one case whole, from the first sighting to its end, and only the acts that it and this person's role allow.
import { session } from "../lib/api.js";
import { start, title } from "../lib/boot.js";
import { html, useEffect } from "../lib/dom.js";
import { Header, StaleBanner } from "../lib/header.js";
import { nameOf, t } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { full, when } from "../lib/time.js";
import { Button, Empty, Shape, StateChip, Trouble, toast } from "../lib/ui.js";
import { said } from "../field/words.js";
import { ActDialog, Acts, byNumber } from "./act.js";
import { attend, districts, events, id, load, loadDistricts, people, problem, view } from "./data.js";
import { Evidence, evidenceOf } from "./evidence.js";
import { Facts, Unit, takeFile } from "./facts.js";
import { held } from "./hold.js";
import { Reports, Suggestions } from "./reports.js";
import { Ring, Spans } from "./ring.js";
import { Timeline } from "./timeline.js";

const UNSEALS = ["acceptor", "shift_lead", "dispatcher", "unit"], EXPORTS = ["shift_lead", "dispatcher", "arbiter", "leader", "auditor"];
const role = () => session.value?.person?.role;

function People() {
  const others = people.value.filter((one) => one.person !== session.value?.person?.id);
  return others.length > 0 && html`<p class="presence" role="status"><${Icon} name="eye" size="16"/>${others.map((one) => t(`presence.${one.doing}`, { name: one.name })).join(t("and"))}</p>`;
}

function Head({ row, deadline }) {
  const copy = () => navigator.clipboard?.writeText(row.case_id).then(() => toast({ text: t("case.copied", { number: row.case_id }), ms: 2500 }));
  return html`<div class="case-head"><div class="what"><p class="number"><a href="/cases">${t("page.cases")}</a> <span aria-hidden="true">/</span> <button type="button" class="copy" title=${t("case.copy")} onClick=${copy}><code>${row.case_id}</code></button></p>
      <h1><${Shape} severity=${row.severity} size="22"/>${nameOf("categories", row.category)}<${StateChip} state=${row.state}/>${row.overdue && html`<span class="chip late">${t("case.overdue")}</span>`}</h1>
      <p class="line"><${Icon} name="place" size="16"/>${row.address ?? nameOf("districts", row.district)}<span class="dot">·</span><span title=${full(row.opened_at)}>${t("case.opened", { at: when(row.opened_at) })}</span>
        <span class="dot">·</span>${t("task.count", { n: row.count })}</p><${People}/></div>
    <${Ring} story=${deadline} row=${row}/>
    <div class="tools-of-case">${EXPORTS.includes(role()) && html`<${Button} icon="out" onClick=${takeFile}>${t("case.file")}<//>`}<${Button} icon="list" onClick=${() => print()}>${t("case.print")}<//></div></div>`;
}

/** What the plan shows beside the case: where photos were taken, and likely duplicates. */
const around = ({ case: known, suggestions }) => [...evidenceOf(known).map((one) => ({ lon: one.lon, lat: one.lat, kind: one.kind === "before" ? "before" : "after", label: t(`evidence.${one.kind}`) })),
  ...suggestions.map(({ row }) => ({ lon: row.lon, lat: row.lat, kind: "similar", label: row.case_id }))];

function Whole() {
  const { row, case: known, actions, deadline, unfiled, merged, suggestions, reports } = view.value;
  return html`<${Head} row=${row} deadline=${deadline}/>${unfiled && html`<p class="unfiled" role="note"><${Icon} name="clock"/>${t("case.unfiled", { why: said(unfiled) })}</p>`}<${Acts}/>
    <div class="columns"><div class="left"><${Facts} row=${row} known=${known} others=${around(view.value)} districts=${districts.value} canOpen=${UNSEALS.includes(role())}/>
      <${Evidence} row=${row} known=${known}/><${Suggestions} suggestions=${suggestions} actions=${actions}/>
      <${Reports} reports=${reports} merged=${merged} known=${known} mayUnmerge=${["acceptor", "shift_lead", "dispatcher"].includes(role())}/></div>
      <div class="right"><${Unit} row=${row} known=${known}/><${Timeline} events=${events.value} noteAction=${actions.find((action) => action.command === "note")}/></div></div>
    ${deadline && html`<section class="panel on-paper"><h2>${t("story.title", { number: row.case_id })}</h2><${Spans} story=${deadline}/></section>`}
    <p class="on-paper foot">${t("case.printed", { at: full(Date.now()), who: session.value?.person?.name ?? "" })}</p>`;
}

function Missing({ error }) {
  if (error.status !== 404) return html`<${Trouble} error=${error} onRetry=${() => load()}/>`;
  return html`<${Empty} icon="search" title=${t("case.unknown", { number: id })}>${t("case.unknownHint")} <a href="/cases">${t("page.cases")}</a><//>`;
}

function App() {
  const keys = [1, 2, 3, 4].map((number) => [String(number), number === 1 ? "key.act" : null, () => byNumber(number)]);
  useKeys([...keys, ["n", "key.note", () => document.getElementById("note")?.focus()], ["z", "key.undo", () => held.value.at(-1)?.undo()], ["p", "key.print", () => print()], ["r", "key.refresh", () => load()]]);
  const known = view.value?.row;
  useEffect(() => title(known ? `${nameOf("categories", known.category)} ${id}` : id), [known?.category]);
  return html`<${Header}/><${StaleBanner}/><main id="main" class="case">
    ${view.value ? html`${problem.value && html`<${Trouble} error=${problem.value} onRetry=${() => load()}/>`}<${Whole}/>` : problem.value ? html`<${Missing} error=${problem.value}/>` : null}</main><${ActDialog}/>`;
}

attend();
loadDistricts();
await Promise.all([load(), start(App)]);
