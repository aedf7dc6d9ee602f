// What is known of the case, in rows; who handles it and why; and personal data, closed until somebody says what for.
import { ApiError, get, post } from "../lib/api.js";
import { Fragment, html, signal, useState } from "../lib/dom.js";
import { lang, nameOf, named, catalogue, t, word } from "../lib/i18n.js";
import { full, when } from "../lib/time.js";
import { Button, Dialog, toast } from "../lib/ui.js";
import { id } from "./data.js";
import { Plan } from "./plan.js";

export const opened = signal(null); // what this person opened on this page, {path: value}; gone with the page
const asking = signal(false);
const LEAST_PURPOSE = 10; // as the console wants it
const PURPOSES = ["contact", "visit", "enforce", "verify"];

const Row = ({ name, children }) => children ? html`<div><dt>${name}</dt><dd>${children}</dd></div>` : null;
export const isMask = (value) => value !== null && typeof value === "object" && value.masked === true;

/** A personal value: masked with its mark (the same mark is the same person or plate), or as it was opened. */
export function Personal({ value, path }) {
  const plain = opened.value && Object.entries(opened.value).find(([key]) => key === path || key.endsWith(`.${path}`));
  if (plain) return html`<b class="plain">${plain[1]}</b>`;
  if (!isMask(value)) return html`<span>${value}</span>`;
  return html`<span class="masked" title=${t("seal.hint")}><span aria-hidden="true">●●●●</span><span class="unseen">${t("seal.masked")}</span>${value.match && html`<code>${value.match.slice(0, 4)}</code>`}</span>`;
}

const conditionOf = (row) => {
  const found = catalogue.categories[row.category]?.conditions?.find((one) => one.key === row.condition);
  return found ? html`${named(found)} <small>${found.limit} ${word("clock", found.clock)}</small>` : row.condition;
};

const place = (row) => [nameOf("districts", row.district), catalogue.districts[row.district]?.subdistricts?.[row.subdistrict]?.[lang] ?? row.subdistrict, row.community, row.grid].filter(Boolean).join(" · ");

/** What reports said of a household, each with who said it: candidates that a person confirms. The plate is the identity, as a rule. */
const household = (known) => (known.personal ?? []).flatMap((one, at) => Object.entries(one.values).filter(([field]) => field !== known.identity?.kind)
  .map(([field, value]) => html`<${Row} key=${`${at}.${field}`} name=${t(`personal.${field}`)}><${Personal} value=${value} path=${`personal.${at}.values.${field}`}/> <small>${one.source}</small><//>`));

export function Facts({ row, known, others, districts, canOpen }) {
  const sealed = [known.identity?.value, ...(known.personal ?? []).flatMap((one) => Object.values(one.values)), ...(known.statements ?? []).flatMap((one) => isMask(one.reporter) ? [one.reporter] : Object.values(one.reporter ?? {}))].some(isMask);
  return html`<section class="panel facts" aria-labelledby="facts-title"><h2 id="facts-title">${t("facts.title")}</h2><div class="beside"><dl>
      <${Row} name=${t("facts.what")}>${known.description}<//><${Row} name=${t("facts.condition")}>${conditionOf(row)}<//>
      <${Row} name=${t("facts.where")}>${row.address}<//><${Row} name=${t("facts.cell")}>${place(row)}<//>
      <${Row} name=${t("facts.point")}><code>${row.lon.toFixed(5)}, ${row.lat.toFixed(5)}</code> <small>± ${known.place.accuracy_m} m</small><//>
      <${Row} name=${t("facts.identity")}>${known.identity && html`${word("identity", known.identity.kind)} <${Personal} value=${known.identity.value} path="plate"/>`}<//>
      ${household(known)}
      <${Row} name=${t("facts.channel")}>${word("channel", row.channel)} <small>${known.source}</small><//>
      <${Row} name=${t("facts.confidence")}>${row.confidence !== null && html`${Math.round(row.confidence * 100)} % <small>${row.algorithm}</small>`}<//>
      <${Row} name=${t("facts.seen")}><span title=${full(row.first_seen)}>${when(row.first_seen)}</span> – <span title=${full(row.last_seen)}>${when(row.last_seen)}</span> <small>${t("task.count", { n: row.count })}</small><//>
      <${Row} name=${t("facts.closing")}>${named(catalogue.categories[row.category]?.closing_condition)}<//>
      <${Row} name=${t("facts.recurs")}>${known.recurs && html`<a href=${`/case/${known.recurs}`}>${known.recurs}</a>`}<//>
      <${Row} name=${t("facts.series")}>${known.series && html`<a href=${`/case/${known.series}`}>${known.series}</a>`}<//>
      <${Row} name=${t("facts.merged")}>${row.merged_into && html`<a href=${`/case/${row.merged_into}`}>${row.merged_into}</a>`}<//></dl>
    <${Plan} row=${row} accuracy_m=${known.place.accuracy_m} others=${others} districts=${districts}/></div>
    ${sealed && canOpen && !opened.value && html`<p class="sealed">${t("seal.says")} <${Button} icon="eye" onClick=${() => { asking.value = true; }}>${t("seal.open")}<//></p>`}
    ${opened.value && html`<p class="sealed open">${t("seal.opened")} <${Button} onClick=${() => { opened.value = null; }}>${t("seal.close")}<//></p>`}
    ${asking.value && html`<${Unseal}/>`}</section>`;
}

/** Asks what for: the purpose goes to the journal with the name of who asked. */
function Unseal() {
  const [purpose, setPurpose] = useState(""), [wrong, setWrong] = useState(""), leave = () => { asking.value = false; };
  const open = async () => {
    if (purpose.trim().length < LEAST_PURPOSE) return setWrong(t("seal.short"));
    try {
      const told = await post(`/cases/${encodeURIComponent(id)}/unseal`, { purpose });
      opened.value = told.values;
      const erased = Object.keys(told.erased ?? {}).length;
      if (erased) toast({ text: t("seal.erased", { n: erased }) });
      return leave();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return setWrong(error.detail || error.title || t("trouble.other"));
    }
  };
  return html`<${Dialog} title=${t("seal.title")} onClose=${leave} onSubmit=${open} footer=${html`<${Button} onClick=${leave}>${t("cancel")}<//><button type="submit" class="button main">${t("seal.open")}</button>`}>
    <p>${t("seal.journal")}</p><div class="field"><label for="purpose">${t("seal.purpose")}<i class="must" aria-hidden="true">*</i></label>
      <div class="usual">${PURPOSES.map((one) => html`<button type="button" key=${one} onClick=${() => setPurpose(t(`seal.${one}`))}>${t(`seal.${one}`)}</button>`)}</div>
      <textarea id="purpose" rows="2" maxlength="500" autofocus aria-required="true" value=${purpose} onInput=${(event) => setPurpose(event.target.value)}></textarea></div>
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}<//>`;
}

/** Who handles it, since when, and on what grounds it was sent there. */
export function Unit({ row, known }) {
  const { grounds } = known;
  return html`<section class="panel unit" aria-labelledby="unit-title"><h2 id="unit-title">${t("unit.title")}</h2>
    ${row.unit ? html`<p class="who"><b>${nameOf("units", row.unit)}</b><small>${word("level", row.level)}</small></p>` : html`<p class="none">${t("unit.none")}</p>`}
    <dl><${Row} name=${t("unit.assisting")}>${row.assisting?.length ? row.assisting.map((one) => nameOf("units", one)).join(t("and")) : null}<//>
      <${Row} name=${t("unit.why")}>${grounds && html`<${Fragment}>${grounds[lang] ?? grounds.zh} <small>${t("unit.rule", { rule: grounds.rule })}</small>
        ${grounds.nearest && html`<br/><small>${t("unit.nearest", { unit: nameOf("units", grounds.nearest), n: grounds.distance_m ?? "?", s: grounds.age_s ?? "?" })}</small>`}<//>`}<//>
      <${Row} name=${t("unit.returned")}>${known.returned_by?.length ? known.returned_by.map((one) => nameOf("units", one)).join(t("and")) : null}<//>
      <${Row} name=${t("unit.handler")}>${known.handler?.id}<//><${Row} name=${t("unit.checker")}>${known.checker?.id}<//>
      <${Row} name=${t("unit.counts")}>${counts(known)}<//></dl></section>`;
}

const counts = (known) => [["returns", known.returns], ["reworks", known.reworks], ["extensions", known.extensions], ["suspensions", known.suspensions], ["supervised", known.supervised], ["reopened", known.reopened]]
  .filter(([, n]) => n > 0).map(([name, n]) => t(`count.${name}`, { n })).join(t("and"));

/** The whole file with its journal proof, as one download. */
export async function takeFile() {
  const whole = await get(`/cases/${encodeURIComponent(id)}/file`).catch((error) => { toast({ text: t("file.failed"), detail: error.detail, kind: "bad" }); });
  if (!whole) return;
  const text = typeof whole === "string" ? whole : JSON.stringify(whole, null, 1), link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `${id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
