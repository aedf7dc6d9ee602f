// The fields of a command's dialog, one component per kind of value. `values` is a plain object; `set(name, value)` changes one. What the dialog of the
// desk and the sheet of the phone ask is the same; only what they do with photos differs.
import { html, useEffect, useRef, useState } from "../lib/dom.js";
import { catalogue, hasWord, lang, named, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { cityNow } from "../lib/time.js";
import { SEVERITIES, Shape } from "../lib/ui.js";
import { bearing } from "../field/where.js";
import { dayOf, midnight } from "./days.js";
import { Pick } from "./pick.js";

const must = html`<i class="must" aria-hidden="true">*</i>`;
const entries = (kind, also = () => ({})) => Object.entries(catalogue[kind] ?? {}).map(([key, one]) => ({ key, zh: one.zh ?? key, en: one.en ?? one.zh ?? key, code: one.code, ...also(key, one) }));
const LEVELS = ["city", "district", "subdistrict", "community", "grid"];

/** One of few: radio buttons that look like a row of choices. `choices` [{value, label, hint?}]. */
export const Choice = ({ name, label, choices, value, onChange, required }) => html`<fieldset class="field choice"><legend>${label}${required && must}</legend>
  <div class="choices">${choices.map((one) => html`<label key=${one.value}><input type="radio" name=${name} checked=${value === one.value}
    onChange=${() => onChange(one.value)}/><span>${one.label}${one.hint && html`<small>${one.hint}</small>`}</span></label>`)}</div></fieldset>`;

/** Words, with the usual ones to tap. */
function Words({ name, command, value, set, required, autofocus }) {
  const key = `usual.${command}`, usual = name === "reason" && hasWord(key) ? t(key).split("|") : [];
  return html`<div class="field"><label for=${`field-${name}`}>${t(`ask.${name}`)}${required && must}</label>
    ${usual.length > 0 && html`<div class="usual">${usual.map((one) => html`<button type="button" key=${one} onClick=${() => set(name, value ? `${value}；${one}` : one)}>${one}</button>`)}</div>`}
    <textarea id=${`field-${name}`} rows="3" maxlength="2000" autofocus=${autofocus} aria-required=${required} value=${value ?? ""}
      onInput=${(event) => set(name, event.target.value)}></textarea></div>`;
}

/** Photos: taken now on a phone (`camera`), or chosen from the disk; shown small, each to be taken away again. */
export function Photos({ value = [], set, required, camera, make, hint, row }) {
  const [busy, setBusy] = useState(false);
  const add = async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    setBusy(true);
    try { set("evidence", [...value, ...await Promise.all(files.map(make))]); } finally { setBusy(false); }
  };
  return html`<div class="field photos"><span class="label">${t("ask.evidence")}${required && must}</span>
    <ul>${value.map((photo) => html`<${Small} key=${photo.id} photo=${photo} row=${row} onRemove=${() => set("evidence", value.filter((one) => one !== photo))}/>`)}
      <li class="add"><label class=${busy ? "busy" : ""}><input type="file" class="unseen" accept="image/*" multiple=${!camera} capture=${camera ? "environment" : undefined}
        aria-label=${t(camera ? "photo.take" : "photo.choose")} disabled=${busy} onChange=${add}/><${Icon} name="photo" size="24"/><span>${t(busy ? "photo.working" : camera ? "photo.take" : "photo.choose")}</span></label></li></ul>
    ${hint && html`<p class="hint">${hint}</p>`}</div>`;
}

const FAR_M = 150; // within this nobody needs to be told

function placeOf(photo, row) {
  if (photo.desk) return ""; // its own data say where it was taken; the console reads them
  if (photo.lon === null || photo.lon === undefined) return t("photo.placeless");
  const metres = bearing(photo, row).metres;
  return metres > FAR_M ? t("photo.far", { n: Math.round(metres) }) : t("photo.placed");
}

function Small({ photo, row, onRemove }) {
  const [address, setAddress] = useState(null);
  useEffect(() => {
    const made = URL.createObjectURL(photo.blob);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [photo]);
  return html`<li><img src=${address} alt=${t("photo.yours")}/><button type="button" class="icon-button" aria-label=${t("photo.remove")} onClick=${onRemove}><${Icon} name="close" size="16"/></button>
    <small>${placeOf(photo, row)}</small></li>`;
}

const limitOf = (condition) => `${condition.limit} ${word("clock", condition.clock)}`;

function Conditions({ category, value, set, required }) {
  const found = catalogue.categories[category]?.conditions ?? [];
  if (!found.length) return null;
  const choices = found.map((one) => ({ value: one.key, label: named(one.name ?? one), hint: one.limit ? limitOf(one) : "" }));
  return html`<${Choice} name="condition" label=${t("ask.condition")} required=${required} choices=${choices} value=${value ?? found[0].key} onChange=${(key) => set("condition", key)}/>`;
}

function Assisting({ value = [], set, options }) {
  const name = (key) => options.find((one) => one.key === key)?.[lang] ?? key;
  return html`<div class="many"><${Pick} label=${t("ask.assisting")} options=${options.filter((one) => !value.includes(one.key))} value=${null} onPick=${(one) => set("assisting", [...value, one.key])}/>
    ${value.length > 0 && html`<ul>${value.map((key) => html`<li key=${key}>${name(key)}<button type="button" class="icon-button" aria-label=${t("remove", { what: name(key) })}
      onClick=${() => set("assisting", value.filter((one) => one !== key))}><${Icon} name="close" size="14"/></button></li>`)}</ul>`}</div>`;
}

const DAY_MS = 86400e3, MINUTE_MS = 60e3, LONGEST_DAYS = 365;
/** The last minute of a day of the city: until when a suspension lasts. */
const endOf = (day) => new Date(Date.parse(midnight(day, 1)) - MINUTE_MS).toISOString();

/** One field of a command. `about` {command, row, suggestions, returned, camera, make, hint}. */
export function Field({ name, required, values, set, about, autofocus }) {
  const value = values[name], label = t(`ask.${name}`), first = useRef(autofocus).current;
  const units = () => entries("units", (key) => about.returned?.includes(key) ? { disabled: true, hint: t("unit.returned") } : {});
  switch (name) {
    case "reason": case "note": return html`<${Words} name=${name} command=${about.command} value=${value} set=${set} required=${required} autofocus=${first}/>`;
    case "evidence": return html`<${Photos} value=${value} set=${set} required=${required} camera=${about.camera} make=${about.make} hint=${about.hint} row=${about.row}/>`;
    case "condition": return html`<${Conditions} category=${values.category ?? about.row.category} value=${value} set=${set} required=${required}/>`;
    case "severity": return html`<${Choice} name=${name} label=${label} value=${value ?? about.row.severity} onChange=${(one) => set(name, one)}
      choices=${SEVERITIES.map((one) => ({ value: one, label: html`<${Shape} severity=${one} named/>` }))}/>`;
    case "category": return html`<${Pick} label=${label} options=${entries("categories")} value=${value} required=${required} autofocus=${first} onPick=${(one) => { set(name, one.key); set("condition", undefined); }}/>`;
    case "unit": return html`<${Pick} label=${label} options=${units()} value=${value} required=${required} autofocus=${first} onPick=${(one) => set(name, one.key)}/>`;
    case "assisting": return html`<${Assisting} value=${value} set=${set} options=${units().filter((one) => one.key !== values.unit)}/>`;
    case "level": return html`<${Choice} name=${name} label=${label} required=${required} value=${value} onChange=${(one) => set(name, one)}
      choices=${(catalogue.levels ?? LEVELS).filter((one) => one !== about.row.level).map((one) => ({ value: one, label: word("level", one) }))}/>`;
    case "until": return html`<div class="field"><label for="field-until">${label}${required && must}</label><input id="field-until" type="date" aria-required=${required}
      min=${dayOf(cityNow() + DAY_MS)} max=${dayOf(cityNow() + LONGEST_DAYS * DAY_MS)} value=${value ? dayOf(Date.parse(value)) : ""} onInput=${(event) => set(name, event.target.value ? endOf(event.target.value) : null)}/></div>`;
    case "rating": return html`<${Choice} name=${name} label=${label} required=${required} value=${value} onChange=${(one) => set(name, one)}
      choices=${[5, 4, 3, 2, 1].map((one) => ({ value: one, label: t(`rating.${one}`) }))}/>`;
    case "upheld": return html`<${Choice} name=${name} label=${label} required=${required} value=${value} onChange=${(one) => set(name, one)}
      choices=${[true, false].map((one) => ({ value: one, label: t(`upheld.${one}`) }))}/>`;
    default: return html`<div class="field"><label for=${`field-${name}`}>${label}${required && must}</label><input id=${`field-${name}`} type="text" aria-required=${required} value=${value ?? ""}
      placeholder="QD-20261121-…" onInput=${(event) => set(name, event.target.value.trim())}/></div>`;
  }
}
