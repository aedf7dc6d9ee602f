// Before and after, side by side: the pictures with when and how far from the case they were taken, and each in full on request.
import { cls, html, signal, useEffect, useState } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { full, when } from "../lib/time.js";
import { IconButton } from "../lib/ui.js";
import { bearing } from "../field/where.js";

const shown = signal(null); // {all, at}
const address = (one) => one.sha256 ? `/api/v1/evidence/${one.sha256}` : null;
const isFilm = (one) => one.media_type?.startsWith("video/");

/** [{…evidence, kind}] of a case: what was seen, what the handler showed, what the checker showed. */
export const evidenceOf = (known) => [...known.evidence.map((one) => ({ ...one, kind: "before" })), ...known.handled_evidence.map((one) => ({ ...one, kind: "after" })), ...known.check_evidence.map((one) => ({ ...one, kind: "checked" }))];

const FAR_M = 200;

/** When and how far; what is unknown is said, for a person then vouches for it. */
function About({ one, row, known }) {
  const metres = one.lon === null || one.lon === undefined ? null : Math.round(bearing(row, one).metres);
  const early = one.kind !== "before" && one.captured_at && known.dispatched_at && one.captured_at < known.dispatched_at;
  return html`<span class=${cls({ warn: early })} title=${full(one.captured_at)}>${one.captured_at ? when(one.captured_at) : t("evidence.timeless")}${early ? ` · ${t("evidence.early")}` : ""}</span>
    <span class=${cls({ warn: metres > FAR_M })}>${metres === null ? t("evidence.placeless") : t("evidence.far", { n: metres })}</span>`;
}

function Picture({ one, row, known, all }) {
  const [lost, setLost] = useState(false), name = t(`evidence.${one.kind}`);
  return html`<figure class="shot">${address(one) && !lost
    ? html`<button type="button" aria-label=${t("evidence.enlarge", { what: name, at: when(one.captured_at) })} onClick=${() => { shown.value = { all, at: all.indexOf(one) }; }}>
        <img src=${`${address(one)}/thumbnail`} alt=${name} loading="lazy" onError=${() => setLost(true)}/>${isFilm(one) && html`<${Icon} name="play" size="28"/>`}</button>`
    : html`<div class="lost"><${Icon} name="photo" size="26"/><small>${t(one.sha256 ? "evidence.lost" : "evidence.elsewhere")}</small></div>`}
    <figcaption><${About} one=${one} row=${row} known=${known}/></figcaption></figure>`;
}

/** `known`: the whole case. */
export function Evidence({ row, known }) {
  const all = evidenceOf(known), side = (kinds) => all.filter((one) => kinds.includes(one.kind));
  const [before, after] = [side(["before"]), side(["after", "checked"])];
  return html`<section class="panel evidence" aria-labelledby="evidence-title"><h2 id="evidence-title">${t("evidence.title")}</h2>
    <div class="sides">${[["before", before], ["after", after]].map(([kind, list]) => html`<div key=${kind}><h3>${t(`evidence.${kind}`)} <b>${list.length || ""}</b></h3>
      ${list.length ? html`<div class="shots">${list.map((one, number) => html`<${Picture} key=${one.sha256 ?? number} one=${one} row=${row} known=${known} all=${all}/>`)}</div>` : html`<p class="none">${t(`evidence.none.${kind}`)}</p>`}</div>`)}</div>
    ${shown.value && html`<${Large} ...${shown.value} row=${row} known=${known}/>`}</section>`;
}

function Large({ all, at, row, known }) {
  const one = all[at], move = (step) => { shown.value = { all, at: (at + step + all.length) % all.length }; }, leave = () => { shown.value = null; };
  useEffect(() => {
    const dialog = document.getElementById("large"), before = document.activeElement;
    dialog.showModal();
    return () => before?.focus();
  }, []);
  const keys = (event) => { if (event.key === "ArrowRight") move(1); if (event.key === "ArrowLeft") move(-1); event.stopPropagation(); };
  return html`<dialog id="large" class="large" aria-label=${t(`evidence.${one.kind}`)} onCancel=${(event) => { event.preventDefault(); leave(); }} onKeyDown=${keys}>
    ${isFilm(one) ? html`<video src=${address(one)} controls></video>` : html`<img src=${address(one)} alt=${t(`evidence.${one.kind}`)}/>`}
    <footer><b>${t(`evidence.${one.kind}`)}</b><${About} one=${one} row=${row} known=${known}/><code>${one.sha256?.slice(0, 12)}</code><span class="gap"></span>
      ${all.length > 1 && html`<${IconButton} icon="left" label=${t("evidence.last")} onClick=${() => move(-1)}/><span>${at + 1} / ${all.length}</span><${IconButton} icon="right" label=${t("evidence.next")} onClick=${() => move(1)}/>`}
      <${IconButton} icon="close" label=${t("close")} onClick=${leave}/></footer></dialog>`;
}
