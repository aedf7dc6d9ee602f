// The queue: tabs with counts, filters, and the list, of which only what is seen is drawn. It stands still under the hand.
import { session } from "../lib/api.js";
import { cls, html, useEffect, useLayoutEffect, useRef, useSignal, useState } from "../lib/dom.js";
import { Icon } from "../lib/icons.js";
import { catalogue, lang, locale, nameOf, number, t, word } from "../lib/i18n.js";
import { density } from "../lib/look.js";
import { ago, tick } from "../lib/time.js";
import { DueRing, Empty, Menu, SEVERITIES, Shape, StateChip, Trouble } from "../lib/ui.js";
import { bulk, outcomes, pending } from "./acts.js";
import { complete, loadMore, loadQueue, release } from "./live.js";
import { SORTS, TABS, arrivals, change, choose, chosen, cursorRow, filters, fresh, hovered, isFiltered, isPaused, marked, pinned, presence, queue, rows, shown, sortOf, tabCounts, triage } from "./state.js";

const AHEAD = 6;

export function Queue() {
  return html`<section class="queue" aria-label=${t("queue")}><${Tabs}/><${Filters}/>${marked.value.size > 0 ? html`<${Marked}/>` : html`<${Standing}/>`}<${List}/></section>`;
}

const brief = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const briefly = (count) => count < 10_000 ? String(count) : brief.format(count);

function Tabs() {
  const counts = tabCounts.value, now = filters.value.tab;
  return html`<div class="tabs" role="tablist" aria-label=${t("tabs")}>${[...TABS, "all"].map((tab, at) => html`
    <button type="button" role="tab" key=${tab} data-tab=${tab} aria-selected=${now === tab} aria-controls="rows" tabindex=${now === tab ? 0 : -1} class=${cls({ none: !counts[tab], late: tab === "overdue" && counts[tab] > 0 })}
      aria-keyshortcuts=${at + 1} onClick=${() => change({ tab })} onKeyDown=${(event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const all = [...event.currentTarget.parentElement.children], to = all.at((at + step) % all.length);
        to.focus(); to.click();
      }}><b>${briefly(counts[tab])}</b><span>${t(`tab.${tab}`)}</span></button>`)}</div>`;
}

function Filters() {
  const found = filters.value, [typed, type] = useState(found.q), box = useRef(null);
  useEffect(() => { type(found.q); }, [found.q]);
  useEffect(() => { if (typed === found.q) return undefined; const timer = setTimeout(() => change({ q: typed.trim() }), 350); return () => clearTimeout(timer); }, [typed]);
  const flip = (name, value) => change({ [name]: found[name].includes(value) ? found[name].filter((one) => one !== value) : [...found[name], value] });
  const entries = (kind) => Object.entries(catalogue[kind]).map(([key, one]) => ({ label: one[lang], checked: found[kind === "districts" ? "district" : "category"].includes(key), act: () => flip(kind === "districts" ? "district" : "category", key) }));
  const names = { district: (key) => nameOf("districts", key), category: (key) => nameOf("categories", key), severity: (key) => word("severity", key), unit: (key) => nameOf("units", key), channel: (key) => word("channel", key) };
  const chips = Object.entries(names).flatMap(([name, say]) => found[name].map((value) => [name, value, say(value)]));
  return html`<div class="filters">
    <label class="search"><${Icon} name="search"/><span class="unseen">${t("search")}</span><input id="search" ref=${box} type="search" value=${typed} placeholder=${t("search.hint")} onInput=${(event) => type(event.target.value)}
      onKeyDown=${(event) => { if (event.key === "Escape") { event.stopPropagation(); if (typed) type(""); else box.current.blur(); } }}/></label>
    <${Menu} label=${t("filter.district")} icon="place" items=${entries("districts")}/>
    <${Menu} label=${t("filter.severity")} icon="filter" items=${SEVERITIES.map((severity) => ({ label: word("severity", severity), checked: found.severity.includes(severity), act: () => flip("severity", severity) }))}/>
    <${Menu} label=${t("filter.category")} icon="list" class="long" items=${entries("categories")}/>
    <${Menu} label=${t("sort")} icon="down" items=${SORTS.map((sort) => ({ label: t(`sort.${sort}`), checked: sortOf(found) === sort, act: () => change({ sort }) }))}/>
    ${isFiltered(found) && html`<p class="chips">${chips.map(([name, value, says]) => html`<button type="button" class="chip-button" key=${name + value} aria-label=${t("filter.drop", { name: says })} onClick=${() => flip(name, value)}>${says}<${Icon} name="close" size="14"/></button>`)}
      ${found.bbox && html`<button type="button" class="chip-button" onClick=${() => change({ bbox: "" })}>${t("filter.inView")}<${Icon} name="close" size="14"/></button>`}
      ${(found.from || found.to) && html`<button type="button" class="chip-button" onClick=${() => change({ from: "", to: "" })}>${t("filter.time")}<${Icon} name="close" size="14"/></button>`}
      <button type="button" class="link" onClick=${() => change({ district: [], category: [], severity: [], unit: [], channel: [], q: "", overdue: "", from: "", to: "", bbox: "" })}>${t("filter.clear")}</button></p>`}
  </div>`;
}

function Standing() {
  const waiting = arrivals.value.size, found = filters.value;
  return html`<div class="standing">
    <p>${t("queue.count", { n: complete.value ? shown.value.length : queue.value.total })} · ${t(`sort.${sortOf(found)}`)}</p>
    ${isPaused.value && html`<button type="button" class=${cls("paused", { waiting })} onClick=${() => { release(); document.getElementById("rows").scrollTop = 0; }} title=${t("paused.hint")}>
      <${Icon} name=${waiting ? "up" : "pause"} size="15"/>${waiting ? t("arrived", { n: number(waiting) }) : t("paused")}</button>`}
    ${["to_file", "all"].includes(found.tab) && html`<button type="button" class="link" aria-keyshortcuts="t" onClick=${() => { triage.value = true; }}><${Icon} name="photo" size="16"/>${t("triage")}</button>`}</div>`;
}

function Marked() {
  return html`<div class="standing marked"><p><b>${t("marked", { n: marked.value.size })}</b></p>
    <button type="button" class="link" onClick=${() => { marked.value = new Set(rows.value.map((row) => row.case_id)); }}>${t("marked.all", { n: rows.value.length })}</button>
    ${bulk().map(({ command, act }) => html`<button type="button" class="button" key=${command} onClick=${act}>${t(`command.${command}`)}</button>`)}
    <button type="button" class="link" onClick=${() => { marked.value = new Set(); }}>${t("marked.none")}</button></div>`;
}

function List() {
  const box = useRef(null), view = useSignal({ top: 0, height: 800, row: 60 }), all = rows.value, { loading, next, error } = queue.value;
  const measure = () => {
    const el = box.current;
    if (!el) return;
    const row = parseFloat(getComputedStyle(el.firstElementChild).getPropertyValue("line-height")) || 60;
    view.value = { top: el.scrollTop, height: el.clientHeight, row };
    pinned.value = { ...pinned.value, scrolled: el.scrollTop > row };
    if (next && el.scrollTop + el.clientHeight * 2 > el.scrollHeight) loadMore();
  };
  useLayoutEffect(measure, [all.length, next, density.value]);
  useEffect(() => { const seen = new ResizeObserver(measure); seen.observe(box.current); return () => seen.disconnect(); }, [next]);
  useEffect(() => { box.current.scrollTop = 0; }, [filters.value.tab, filters.value.sort]);
  const at = all.findIndex((row) => row.case_id === cursorRow.value);
  useEffect(() => {
    const { row, top, height } = view.value;
    if (at < 0) return;
    if (at * row < top) box.current.scrollTop = at * row;
    else if ((at + 1) * row > top + height) box.current.scrollTop = (at + 1) * row - height;
  }, [cursorRow.value]);
  const { top, height, row } = view.value, first = Math.max(0, Math.floor(top / row) - AHEAD), last = Math.min(all.length, Math.ceil((top + height) / row) + AHEAD);
  const point = (inside) => { pinned.value = { ...pinned.value, hover: inside }; if (!inside) hovered.value = null; };
  return html`<div class="rows" id="rows" ref=${box} role="listbox" tabindex="0" aria-label=${t("queue")} aria-multiselectable="true" aria-busy=${loading} aria-activedescendant=${at >= first && at < last ? `row-${cursorRow.value}` : undefined}
    onScroll=${measure} onMouseEnter=${() => point(true)} onMouseLeave=${() => point(false)}>
    <div class="space" role="presentation" style=${{ height: `${all.length * row}px` }}>
      ${all.slice(first, last).map((one, index) => html`<${Row} key=${one.case_id} row=${one} at=${first + index} top=${(first + index) * row} size=${all.length}/>`)}</div>
    ${error && html`<${Trouble} error=${error} onRetry=${loadQueue}/>`}
    ${!error && !loading && !all.length && html`<${Empty} title=${t(isFiltered(filters.value) ? "queue.noMatch" : "queue.empty")}>${t(isFiltered(filters.value) ? "queue.noMatchHint" : "queue.emptyHint")}<//>`}</div>`;
}

// The limit that counts for who looks at it: of the post that holds the case, then the case's own.
const limitOf = (row) => row.stage_due_at && row.state !== "handling" && !row.overdue ? { from: row.entered_at, due: row.stage_due_at } : row.due_at ? { from: row.filed_at ?? row.opened_at, due: row.due_at } : null;

function Row({ row, at, top, size }) {
  tick.value;
  const id = row.case_id, here = presence.value.get(id), others = here?.filter((one) => one.person !== session.value.person.id), isMarked = marked.value.has(id), outcome = outcomes.value.get(id);
  const mixed = ["all", "overdue", "handling"].includes(filters.value.tab), waits = pending.value.get(id);
  const limit = limitOf(row);
  const mark = (event) => { event.stopPropagation(); flipMark(id); };
  return html`<div id=${`row-${id}`} data-case=${id} role="option" aria-selected=${isMarked} aria-posinset=${at + 1} aria-setsize=${size} aria-current=${chosen.value === id ? "true" : undefined} style=${{ top: `${top}px` }}
    class=${cls("row", row.severity, { cursor: cursorRow.value === id, chosen: chosen.value === id, left: row.left || waits, fresh: fresh.value.has(id), marked: isMarked, hovered: hovered.value === id })}
    onClick=${() => choose(id)} onMouseEnter=${() => { hovered.value = id; }}>
    <span class="tick" role="presentation" onClick=${mark}>${isMarked ? html`<${Icon} name="check" size="16"/>` : html`<${Shape} severity=${row.severity} size="15"/>`}</span>
    ${row.picture ? html`<img class="thumb" loading="lazy" alt="" src=${`/api/v1/evidence/${row.picture}/thumbnail`}/>` : html`<span class="thumb none"><${Icon} name=${row.channel === "hotline" || row.channel === "app" ? "person" : "photo"}/></span>`}
    <span class="what"><b>${nameOf("categories", row.category)}</b>${row.count > 1 && html`<em title=${t("reports", { n: row.count })}>×${number(row.count)}</em>`}</span>
    <span class="when">${outcome ? html`<b class=${outcome.ok ? "good" : "bad"}>${outcome.says}</b>` : waits ? html`<b>${waits}</b>` : row.left ? html`<${StateChip} state=${row.state}/>` : limit ? html`<${DueRing} from=${limit.from} due=${limit.due}/>` : html`<small>${ago(row.opened_at)}</small>`}</span>
    <span class="where">${[nameOf("districts", row.district), row.address].filter(Boolean).join(" · ")}</span>
    <span class="who-has">${others?.length ? html`<i class="here">${t(`presence.${others[0].doing}`, { name: others[0].name })}</i>` : mixed ? html`<${StateChip} state=${row.state}/>` : html`<small>${row.unit ? nameOf("units", row.unit) : word("channel", row.channel)}</small>`}</span></div>`;
}

export function flipMark(id) {
  const next = new Set(marked.value);
  if (!next.delete(id)) next.add(id);
  marked.value = next;
}
