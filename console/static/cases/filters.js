// The bar above the list: words, filters as menus with what is chosen in their names, saved views, columns, export, order.
import { query, session } from "../lib/api.js";
import { cls, html, kept, signal, useEffect, useRef, useState } from "../lib/dom.js";
import { catalogue, lang, nameOf, number, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { Button, Dialog, Menu, SEVERITIES, Shape, toast } from "../lib/ui.js";
import { find } from "../case/search.js";
import { filters, moved, total } from "./list.js";
import { COLUMNS, addressOf, ask, asked, clear, nothingAsked } from "./query.js";

const STATES = ["held", "reported", "verifying", "filed", "dispatched", "handling", "checking", "checked", "suspended", "closed", "not_filed", "void", "merged"];
const CHANNELS = ["satellite", "drone", "high_video", "low_video", "algorithm", "iot", "grid_worker", "hotline", "app", "business_data"];
const SORTS = ["newest", "oldest", "due", "severity"], TYPING_MS = 250, EXPORTS = ["shift_lead", "dispatcher", "arbiter", "leader", "auditor"];
const toggled = (list, value) => list.includes(value) ? list.filter((one) => one !== value) : [...list, value];

const named = (kind) => Object.entries(catalogue[kind] ?? {}).map(([key, one]) => ({ key, zh: one.zh, en: one.en, code: one.code }));
const worded = (kind, keys) => keys.map((key) => ({ key, zh: word(kind, key), en: word(kind, key) }));

const opened = signal(null);

/** A filter of several values: a button that says what is chosen, a list with boxes below it, searchable when it is long. */
function Many({ name, options }) {
  const values = asked.value[name], isOpen = opened.value === name, [typed, type] = useState(""), box = useRef(null);
  const label = t(`cases.filter.${name}`), says = values.length === 1 ? options.find((one) => one.key === values[0])?.[lang] ?? values[0] : values.length ? `${label} · ${values.length}` : label;
  useEffect(() => {
    if (!isOpen) return undefined;
    box.current.querySelector("input")?.focus();
    const leave = (event) => { if (!box.current?.contains(event.target)) opened.value = null; };
    addEventListener("pointerdown", leave);
    return () => removeEventListener("pointerdown", leave);
  }, [isOpen]);
  const key = (event) => {
    const inputs = [...box.current.querySelectorAll(".drop input")], step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && isOpen) { event.stopPropagation(); opened.value = null; box.current.querySelector("button").focus(); }
    if (step && isOpen) { event.preventDefault(); inputs.at((inputs.indexOf(document.activeElement) + step) % inputs.length)?.focus(); }
    if (isOpen) event.stopPropagation();
  };
  return html`<div class="filter" ref=${box} onKeyDown=${key}><button type="button" class=${cls("button", { on: values.length })} aria-expanded=${isOpen} aria-haspopup="true" onClick=${() => { opened.value = isOpen ? null : name; }}>
      <span>${says}</span><${Icon} name="down" size="14"/></button>
    ${isOpen && html`<div class="drop" role="group" aria-label=${label}>${options.length > 12 && html`<input type="search" aria-label=${t("cases.filter.search", { what: label })} placeholder=${t("pick.type")} value=${typed} onInput=${(event) => type(event.target.value)}/>`}
      <ul>${find(options, typed, 400).map((one) => html`<li key=${one.key}><label><input type="checkbox" checked=${values.includes(one.key)} onChange=${() => ask({ [name]: toggled(values, one.key) })}/>
        ${name === "severity" ? html`<${Shape} severity=${one.key} named/>` : html`<span>${one[lang]}</span>`}</label></li>`)}</ul>
      ${values.length > 0 && html`<button type="button" class="link" onClick=${() => ask({ [name]: [] })}>${t("cases.filter.clearOne")}</button>`}</div>`}</div>`;
}

function Words() {
  const [typed, type] = useState(asked.value.q), timer = useRef(null);
  useEffect(() => { type(asked.value.q); }, [asked.value.q]);
  const change = (event) => {
    const { value } = event.target;
    type(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => ask({ q: value.trim() }, { typing: true }), TYPING_MS);
  };
  return html`<div class="words"><${Icon} name="search"/><input id="search" type="search" aria-label=${t("cases.filter.q")} placeholder=${t("cases.filter.qHint")} value=${typed} onInput=${change}/></div>`;
}

const Day = ({ name }) => html`<label class="day"><span>${t(`cases.filter.${name}`)}</span><input type="date" value=${asked.value[name]} onInput=${(event) => ask({ [name]: event.target.value })}/></label>`;

const saved = signal(kept.get("cases.views", []));
const naming = signal(false);

function keepViews(list) {
  saved.value = list;
  kept.set("cases.views", list);
}

const TEMPLATES = [["mine.overdue", { overdue: "true", sort: "due" }], ["mine.emergency", { severity: ["emergency"], sort: "due" }], ["mine.checked", { status: ["checked"] }]];

function Views() {
  const here = addressOf(asked.value);
  const open = (path) => { history.pushState(null, "", path); dispatchEvent(new PopStateEvent("popstate")); };
  return html`<${Menu} label=${t("views.title")} icon="layers" text=${saved.value.find((one) => one.path === here)?.name ?? t("views.title")} end=${false} items=${[
    ...TEMPLATES.map(([name, changes]) => ({ label: t(`views.${name}`), act: () => { clear(); ask(changes); } })),
    saved.value.length > 0 && { heading: t("views.mine") }, ...saved.value.map((one) => ({ label: one.name, checked: one.path === here, act: () => open(one.path) })),
    { heading: t("views.this") }, { label: t("views.save"), icon: "plus", act: () => { naming.value = true; } },
    { label: t("views.link"), icon: "open", act: () => navigator.clipboard?.writeText(location.origin + here).then(() => toast({ text: t("views.copied"), ms: 2500 })) },
    ...saved.value.filter((one) => one.path === here).map((one) => ({ label: t("views.drop", { name: one.name }), icon: "close", danger: true, act: () => keepViews(saved.value.filter((other) => other !== one)) }))]}/>
    ${naming.value && html`<${Naming} path=${here}/>`}`;
}

function Naming({ path }) {
  const [name, setName] = useState(""), leave = () => { naming.value = false; };
  const save = () => { if (!name.trim()) return; keepViews([...saved.value.filter((one) => one.name !== name.trim()), { name: name.trim(), path }]); leave(); };
  return html`<${Dialog} title=${t("views.save")} onClose=${leave} onSubmit=${save} footer=${html`<${Button} onClick=${leave}>${t("cancel")}<//><button type="submit" class="button main">${t("views.keep")}</button>`}>
    <div class="field"><label for="view-name">${t("views.name")}</label><input id="view-name" type="text" maxlength="40" autofocus value=${name} onInput=${(event) => setName(event.target.value)}/></div><p class="hint">${t("views.hint")}</p><//>`;
}

const Columns = () => html`<${Menu} label=${t("columns.title")} icon="list" text=${t("columns.title")} items=${COLUMNS.filter((name) => name !== "case_id").map((name) => ({
  label: t(`column.${name}`), checked: asked.value.columns.includes(name), act: () => ask({ columns: COLUMNS.filter((one) => one === name ? !asked.value.columns.includes(one) : asked.value.columns.includes(one)) }) }))}/>`;

const Export = () => EXPORTS.includes(session.value?.person?.role) && html`<${Menu} label=${t("export.title")} icon="out" text=${t("export.title")} items=${["csv", "geojson"].map((kind) => ({
  label: t(`export.${kind}`, { n: number(total.value) }), act: () => {
    const link = document.createElement("a");
    link.href = `/api/v1/exports/cases.${kind}${query({ ...filters(), cursor: undefined })}`;
    link.download = `cases.${kind}`;
    link.click();
    toast({ text: t("export.begun"), detail: t("export.journal") });
  } }))}/>`;

export function Filters({ onRefresh }) {
  return html`<div class="filters-bar"><div class="row"><${Words}/>
      <${Many} name="status" options=${worded("state", STATES)}/><${Many} name="severity" options=${worded("severity", SEVERITIES)}/><${Many} name="category" options=${named("categories")}/>
      <${Many} name="district" options=${named("districts")}/><${Many} name="unit" options=${named("units")}/><${Many} name="channel" options=${worded("channel", CHANNELS)}/>
      <button type="button" class=${cls("button", { on: asked.value.overdue })} aria-pressed=${Boolean(asked.value.overdue)} onClick=${() => ask({ overdue: asked.value.overdue ? "" : "true" })}>${t("cases.filter.overdue")}</button>
      <${Day} name="since"/><${Day} name="until"/>${!nothingAsked() && html`<${Button} kind="quiet" icon="close" onClick=${clear}>${t("cases.filter.clear")}<//>`}</div>
    <div class="row second"><p class="total" role="status">${total.value === null ? "" : t("list.total", { n: number(total.value) })}</p>
      ${moved.value > 0 && html`<button type="button" class="news" onClick=${onRefresh}>${t("list.news", { n: moved.value })}</button>`}<span class="gap"></span>
      <label class="order"><span>${t("cases.filter.sort")}</span><select value=${asked.value.sort || "newest"} onChange=${(event) => ask({ sort: event.target.value === "newest" ? "" : event.target.value })}>${SORTS.map((name) => html`<option key=${name} value=${name}>${t(`cases.sort.${name}`)}</option>`)}</select></label>
      <${Views}/><${Columns}/><${Export}/></div></div>`;
}
