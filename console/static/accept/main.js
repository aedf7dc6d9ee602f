// /accept: a call as it is heard. Words and place on the left, the map and what it may be the same as on the right; all of it by keyboard.
import { ApiError, get } from "../lib/api.js";
import { start, title } from "../lib/boot.js";
import { cls, html, signal, useEffect, useRef } from "../lib/dom.js";
import { Header } from "../lib/header.js";
import { catalogue, nameOf, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { isDark } from "../lib/look.js";
import { clock } from "../lib/time.js";
import { Button, Empty, IconButton, SEVERITIES, Shape, StateChip } from "../lib/ui.js";
import { Choice } from "../case/fields.js";
import { Pick } from "../case/pick.js";
import { said } from "../field/words.js";
import { busy, call, clear, lacks, looking, same, set, severityOf, similar, take, taken, watch, wrong } from "./call.js";
import { placeMap } from "./place.js";

const ROUGH_M = 100;
const outlines = signal(null);
const categories = () => Object.entries(catalogue.categories).map(([key, one]) => ({ key, zh: one.zh, en: one.en, code: one.code, hint: one.code }));

const Text = ({ name, label, hint, type = "text", ...rest }) => html`<div class="field"><label for=${`call-${name}`}>${label}</label>
  <input id=${`call-${name}`} type=${type} autocomplete="off" value=${call.value[name]} onInput=${(event) => set({ [name]: event.target.value })} ...${rest}/>${hint && html`<small>${hint}</small>`}</div>`;

async function submit(event) {
  event?.preventDefault();
  const left = lacks(call.value);
  if (left.length) { wrong.value = t("form.missing", { what: left.map((name) => t(`call.${name}`)).join(t("and")) }); return; }
  if (await take()) document.querySelector(".pick input")?.focus();
}

function Form() {
  const { category, point, words } = call.value, must = html`<i class="must" aria-hidden="true">*</i>`;
  return html`<form class="panel call" onSubmit=${submit} onKeyDown=${(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event); }}>
    <h2>${t("call.title")}</h2>
    <${Pick} label=${t("call.category")} options=${categories()} value=${category} required autofocus placeholder=${t("pick.type")} onPick=${(one) => set({ category: one.key, severity: "" })}/>
    <div class="field"><label for="call-words">${t("call.words")}${must}</label><textarea id="call-words" rows="4" maxlength="8000" aria-required="true" placeholder=${t("call.wordsHint")} value=${words} onInput=${(event) => set({ words: event.target.value })}></textarea></div>
    <fieldset class="place"><legend>${t("call.place")}${must}</legend><p class=${cls("point", { set: point })}><${Icon} name="place"/>${point ? html`<span>${t("call.point", { lon: point.lon.toFixed(5), lat: point.lat.toFixed(5), m: point.accuracy_m })}${point.accuracy_m > ROUGH_M && html` <b>${t("call.rough")}</b>`}</span><${IconButton} icon="close" label=${t("call.noPoint")} onClick=${() => set({ point: null })}/>` : html`<span>${t("call.clickMap")}</span>`}</p>
      <div class="two"><${Text} name="address" label=${t("call.address")} placeholder=${t("call.addressHint")}/><${Text} name="part" label=${t("call.part")} placeholder="0101…"/></div>
      ${!point && call.value.address.trim() && !call.value.part.trim() && html`<p class="hint">${t("call.placeless")}</p>`}</fieldset>
    <${Choice} name="severity" label=${t("ask.severity")} value=${severityOf(call.value)} onChange=${(one) => set({ severity: one })} choices=${SEVERITIES.map((one) => ({ value: one, label: html`<${Shape} severity=${one} named/>` }))}/>
    <fieldset class="caller"><legend>${t("call.caller")}</legend><p class="hint"><${Icon} name="eye" size="16"/>${t("call.sealed")}</p><div class="three"><${Text} name="name" label=${t("reporter.name")}/><${Text} name="phone" label=${t("reporter.phone")} type="tel"/><${Text} name="number" label=${t("call.number")}/></div></fieldset>
    ${wrong.value && html`<p class="wrong" role="alert">${said(wrong.value)}</p>`}
    <footer><button type="submit" class="button main" disabled=${busy.value}>${t(busy.value ? "call.sending" : same.value ? "call.submitSame" : "call.submit")}<kbd aria-hidden="true">Ctrl ↵</kbd></button><${Button} kind="quiet" onClick=${clear}>${t("call.clear")}<//>
      ${same.value && html`<p class="hint">${t("call.into", { number: same.value })}</p>`}</footer></form>`;
}

function Map() {
  const box = useRef(null), map = useRef(null);
  useEffect(() => {
    if (!outlines.value) return undefined;
    let gone = false;
    placeMap(box.current, outlines.value, t("call.map"), (point) => set({ point })).then((made) => { if (gone) made.leave(); else { map.current = made; made.show(call.value.point, similar.value); box.current.dataset.ready = "yes"; } });
    return () => { gone = true; map.current?.leave(); map.current = null; };
  }, [outlines.value, isDark.value]);
  useEffect(() => { map.current?.show(call.value.point, similar.value); }, [call.value.point, similar.value]);
  return html`<div class="map"><div class="canvas" ref=${box}></div><div class="zoom"><${IconButton} icon="plus" label=${t("call.nearer")} onClick=${() => map.current?.zoom(1)}/><${IconButton} icon="minus" label=${t("call.farther")} onClick=${() => map.current?.zoom(-1)}/></div></div>`;
}

function Similar() {
  const { category, point } = call.value;
  return html`<section class="panel similar" aria-labelledby="similar-title"><h2 id="similar-title">${t("call.similar")} ${similar.value.length > 0 && html`<b>${similar.value.length}</b>`}</h2><p class="unseen" role="status">${looking.value ? "" : t("call.found", { n: similar.value.length })}</p>
    ${!category || !point ? html`<p class="none">${t("call.similarHint")}</p>` : !similar.value.length ? html`<p class="none">${t(looking.value ? "call.looking" : "call.noneNear")}</p>` : html`<ul>${similar.value.slice(0, 6).map(({ row, distance_m, minutes }) => html`<li key=${row.case_id} class=${cls({ on: same.value === row.case_id })}>
      ${row.picture && html`<img src=${`/api/v1/evidence/${row.picture}/thumbnail`} alt="" width="72" height="54" loading="lazy" onError=${(event) => { event.target.hidden = true; }}/>`}
      <div><p><${Shape} severity=${row.severity}/><a href=${`/case/${row.case_id}`} target="_blank" rel="noopener">${nameOf("categories", row.category)}</a><${StateChip} state=${row.state}/></p><p class="meta"><b>${t("suggest.apart", { m: distance_m, n: minutes })}</b> · ${t("task.count", { n: row.count })}</p><p class="meta">${row.address ?? ""}</p></div>
      <${Button} kind=${same.value === row.case_id ? "main" : ""} aria-pressed=${same.value === row.case_id} onClick=${() => { same.value = same.value === row.case_id ? null : row.case_id; }}>${t(same.value === row.case_id ? "call.sameYes" : "call.same")}<//></li>`)}</ul>`}</section>`;
}

const Taken = () => html`<section class="panel taken" aria-labelledby="taken-title"><h2 id="taken-title">${t("call.taken")}</h2>
  ${taken.value.length ? html`<ul aria-live="polite">${taken.value.map((one) => html`<li key=${one.key}><time>${clock(one.at)}</time><div><p><${Shape} severity=${one.severity}/><b>${nameOf("categories", one.category)}</b>${one.state && html`<${StateChip} state=${one.state}/>`}</p>
      <p class="meta">${one.case_id ? html`<a href=${`/case/${one.case_id}`}>${one.case_id}</a>` : t(one.trouble === "late" ? "call.late" : "call.opening")}${one.merged && html` → <a href=${`/case/${one.into}`}>${one.into}</a>`}</p>
      ${one.trouble && one.trouble !== "late" && html`<p class="wrong">${t("call.notMerged", { why: said(one.trouble) })}</p>`}</div></li>`)}</ul>` : html`<${Empty} icon="check" title=${t("call.none")}/>`}</section>`;

function App() {
  useEffect(() => title(t("page.accept")), []);
  return html`<${Header} live=${false}/><main id="main" class="accept"><h1 class="unseen">${t("page.accept")}</h1><${Form}/><div class="beside"><${Map}/><div class="below"><${Similar}/><${Taken}/></div></div></main>`;
}

watch();
get("/districts").then((found) => { outlines.value = found; }).catch((error) => { if (!(error instanceof ApiError)) throw error; });
await start(App);
