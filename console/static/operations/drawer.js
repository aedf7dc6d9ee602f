// The drawer of the chosen case: what it is, where its limit stands, what may be done now, what was seen, what happened. Kept true by the feed.
import { get, post, session } from "../lib/api.js";
import { cls, effect, html, signal, useEffect, useState } from "../lib/dom.js";
import { Icon } from "../lib/icons.js";
import { catalogue, named, nameOf, t, word } from "../lib/i18n.js";
import { useKeys } from "../lib/keys.js";
import { ago, full, remaining, tick, when } from "../lib/time.js";
import { Button, DueRing, IconButton, Menu, Shape, StateChip, Trouble } from "../lib/ui.js";
import { HARSH, sorted } from "../case/forms.js";
import { said } from "../field/words.js";
import { ask, asking, pending, settled } from "./acts.js";
import { choose, chosen, presence, rows } from "./state.js";

const SAY_EVERY_MS = 20_000, QUIET = ["sighted", "updated"];
export const detail = signal({ id: null, found: null, events: [], error: null });
let loads = 0;

export async function load(id = chosen.value) {
  const mine = loads += 1;
  if (detail.value.id !== id) detail.value = { id, found: null, events: [], error: null };
  if (!id) return;
  try {
    const path = `/cases/${encodeURIComponent(id)}`, [found, told] = await Promise.all([get(path), get(`${path}/events`)]);
    if (mine === loads) detail.value = { id, found, events: told.events, error: null };
  } catch (error) {
    if (mine === loads) detail.value = { ...detail.value, error };
  }
}

// Read anew when the case, another one, or one of our commands moved it.
export function watch() {
  let seen = "", timer = null;
  effect(() => {
    const row = rows.value.find((one) => one.case_id === chosen.value), mark = `${chosen.value} ${row?.sequence ?? ""} ${settled.value.id === chosen.value ? settled.value.at : ""}`;
    if (mark === seen) return;
    const same = seen.startsWith(`${chosen.value} `);
    seen = mark;
    clearTimeout(timer);
    if (same) timer = setTimeout(load, 250); else load();
  });
}

export function Drawer() {
  const { id, found, error } = detail.value;
  if (!chosen.value) return null;
  const ready = found && id === chosen.value;
  return html`<aside class="drawer" aria-label=${t("detail")} data-ready=${ready ? id : undefined}>
    ${error && !found ? html`<div class="pad"><${IconButton} icon="close" label=${t("close")} onClick=${() => choose(null)}/><${Trouble} error=${error.status === 404 ? { title: t("detail.unknown"), detail: t("detail.unknownHint") } : error} onRetry=${() => load()}/></div>`
      : ready ? html`<${Body} key=${id} found=${found} events=${detail.value.events}/>` : html`<div class="pad waiting" aria-busy="true"><i></i><i></i><i></i></div>`}</aside>`;
}

function Body({ found, events }) {
  const { row, actions, case: whole } = found, at = (rows.value.find((one) => one.case_id === row.case_id) ?? row), now = at.sequence >= row.sequence ? { ...row, state: at.state } : row;
  usePresence(row.case_id);
  return html`<header class="top"><div><code>${row.case_id}</code><a href=${`/case/${row.case_id}`} class="icon-button" aria-label=${t("detail.page")} title=${t("detail.page")}><${Icon} name="open"/></a>
      <${IconButton} icon="close" label=${t("close")} onClick=${() => choose(null)}/></div>
    <h2>${nameOf("categories", row.category)}</h2>
    <p class="line"><${Shape} severity=${row.severity} named/><${StateChip} state=${now.state}/><${DueRing} from=${row.filed_at ?? row.opened_at} due=${row.due_at}/></p>
    ${found.unfiled && now.state === "reported" && html`<p class="notice" role="note"><${Icon} name="clock"/>${t("case.unfiled", { why: said(found.unfiled) })}</p>`}<${Present} id=${row.case_id}/></header>
    <${Acts} row=${row} actions=${actions} waits=${pending.value.get(row.case_id)}/>
    <div class="scroll" tabindex="0" aria-label=${t("detail")}>
      <${Pictures} evidence=${[...(whole.evidence ?? []), ...(whole.handled_evidence ?? [])]} row=${row}/>
      ${whole.description && html`<p class="words">${whole.description}</p>`}
      <${Facts} row=${row} whole=${whole} found=${found}/>
      <${Timeline} events=${events}/></div>`;
}

function Acts({ row, actions, waits }) {
  const { forward, beside, more } = sorted(actions), [first, ...rest] = forward, go = (action) => ask([row], action), letters = keysOf(actions);
  useKeys([...Object.entries(letters).map(([key, action]) => [key, `command.${action.command}`, () => go(action)])], { heading: "key.case" });
  const button = (action, kind) => html`<${Button} key=${action.command} kind=${cls(kind, { danger: HARSH.has(action.command) })} keys=${Object.keys(letters).find((key) => letters[key] === action)} disabled=${Boolean(waits)} onClick=${() => go(action)}>${word("command", action.command)}<//>`;
  const note = actions.find((action) => action.command === "note"), others = [...rest.slice(1), ...beside.slice(2), ...more];
  return html`<div class="acts" role="group" aria-label=${t("acts")}>${waits ? html`<p class="waits"><${Icon} name="clock"/>${waits}</p>` : html`
    ${first ? button(first, "main") : note && button(note, "")}${rest[0] && button(rest[0], "")}${beside.slice(0, 2).map((action) => button(action, ""))}
    ${[...others, first && note].some(Boolean) && html`<${Menu} label=${t("more")} icon="more" items=${[...others, first && note].filter(Boolean).map((action) => ({ label: word("command", action.command), danger: HARSH.has(action.command), act: () => go(action) }))}/>`}
    ${!actions.length && html`<p class="hint">${t("acts.none")}</p>`}`}</div>`;
}

// One letter per act, the same everywhere: only what is possible now answers.
const LETTERS = { f: ["file", "confirm"], v: ["verify"], r: ["not_file", "return", "fail_check"], d: ["dispatch", "arbitrate"], a: ["accept", "grant_extension", "grant_suspension"], p: ["pass_check"], c: ["close"], n: ["note"] };
const keysOf = (actions) => Object.fromEntries(Object.entries(LETTERS).flatMap(([key, names]) => {
  const found = names.map((name) => actions.find((action) => action.command === name)).find(Boolean);
  return found ? [[key, found]] : [];
}));

function Present({ id }) {
  const others = (presence.value.get(id) ?? []).filter((one) => one.person !== session.value.person.id);
  return others.length > 0 && html`<p class="present" role="status"><${Icon} name="eye" size="16"/>${others.map((one) => t(`presence.${one.doing}`, { name: one.name })).join(t("and"))}</p>`;
}

// Tells the others that this person is at the case, and that they are doing something while a dialog is open.
function usePresence(id) {
  const doing = asking.value?.rows.some((row) => row.case_id === id) ? "handling" : "viewing";
  useEffect(() => {
    const say = (what, keepalive = false) => post(`/cases/${encodeURIComponent(id)}/presence`, { doing: what }, { keepalive }).catch(() => {}); // soft: nobody is told that it failed
    say(doing);
    const timer = setInterval(() => { if (!document.hidden) say(doing); }, SAY_EVERY_MS);
    return () => { clearInterval(timer); say("left", true); };
  }, [id, doing]);
}

function Pictures({ evidence, row }) {
  const [at, show] = useState(0), found = evidence.filter((one) => one.sha256), one = found[Math.min(at, found.length - 1)];
  if (!one) return html`<p class="no-picture"><${Icon} name="photo"/>${t("picture.none")}</p>`;
  return html`<figure class="pictures"><a href=${`/api/v1/evidence/${one.sha256}`} target="_blank" rel="noreferrer"><img src=${`/api/v1/evidence/${one.sha256}`} alt=${t("picture.alt", { what: nameOf("categories", row.category), at: when(one.captured_at ?? row.first_seen) })}/></a>
    <figcaption>${one.captured_at ? full(one.captured_at) : t("picture.undated")}${row.confidence ? ` · ${t("confidence", { n: Math.round(row.confidence * 100) })}` : ""}</figcaption>
    ${found.length > 1 && html`<div class="strip">${found.map((each, place) => html`<button type="button" key=${each.sha256} aria-pressed=${place === at} aria-label=${t("picture.nth", { n: place + 1 })} onClick=${() => show(place)}><img alt="" loading="lazy" src=${`/api/v1/evidence/${each.sha256}/thumbnail`}/></button>`)}</div>`}</figure>`;
}

function Facts({ row, whole, found }) {
  tick.value;
  const place = [nameOf("districts", row.district), named(catalogue.districts[row.district]?.subdistricts?.[row.subdistrict]), row.address].filter(Boolean).join(" · ");
  const condition = catalogue.categories[row.category]?.conditions?.find((one) => one.key === row.condition);
  const pairs = [["place", place, `${row.lat.toFixed(5)}, ${row.lon.toFixed(5)}`], ["condition", condition && named(condition.name ?? condition)],
    ["channel", word("channel", row.channel), row.algorithm], ["seen", t("seen", { n: row.count, ago: ago(row.last_seen) }), row.sources > 1 && t("sources", { n: row.sources })],
    ["opened", full(row.opened_at), ago(row.opened_at)], ["stage", row.stage_due_at && full(row.stage_due_at), row.stage_due_at && remaining(row.stage_due_at).says], ["due", row.due_at && full(row.due_at), row.due_at && remaining(row.due_at).says], ["unit", row.unit && nameOf("units", row.unit), whole.grounds && named(whole.grounds)],
    ["assisting", row.assisting?.map((unit) => nameOf("units", unit)).join(t("and"))], ["level", word("level", row.level)]];
  const { merged = [], suggestions = [], reports = [] } = found;
  return html`<section class="facts"><h3>${t("facts.title")}</h3><dl>${pairs.filter(([, value]) => value).map(([name, value, also]) => html`<div key=${name}><dt>${t(`about.${name}`)}</dt><dd>${value}${also && html`<small>${also}</small>`}</dd></div>`)}</dl>
    ${suggestions.length > 0 && html`<a class="notice" href=${`/case/${row.case_id}#suggestions`}><${Icon} name="layers"/>${t("suggestions", { n: suggestions.length })}</a>`}
    ${(merged.length > 0 || reports.length > 1) && html`<a class="notice quiet" href=${`/case/${row.case_id}#reports`}><${Icon} name="list"/>${[merged.length > 0 && t("merged", { n: merged.length }), t("told", { n: reports.length })].filter(Boolean).join(" · ")}</a>`}</section>`;
}

function Timeline({ events }) {
  const [whole, show] = useState(false), told = [...events].reverse(), shown = whole ? told : told.filter((event) => !QUIET.includes(event.type)), hidden = told.length - told.filter((event) => !QUIET.includes(event.type)).length;
  return html`<section class="timeline"><h3>${t("timeline")}${hidden > 0 && html`<button type="button" class="link" aria-pressed=${whole} onClick=${() => show(!whole)}>${t(whole ? "timeline.less" : "timeline.all", { n: hidden })}</button>`}</h3>
    <ol>${shown.map((event) => html`<li key=${event.sequence} id=${`event-${event.sequence}`} class=${cls({ bad: ["overdue", "escalated", "returned", "check_failed", "not_filed"].includes(event.type), system: event.actor.role === "system" })}>
      <time title=${full(event.at)}>${when(event.at)}</time><p><b>${word("fact", event.type)}</b> <span>${event.actor.role === "system" ? t("by.system") : `${event.actor.name ?? event.actor.id} · ${word("role", event.actor.role)}`}</span></p>
      ${(event.note || (event.reason && event.actor.role !== "system")) && html`<p class="words">${event.note ?? event.reason}</p>`}</li>`)}</ol></section>`;
}
