// The time brush: when the open cases were reported, as bars over 1, 6 or 24 hours; drag over them to see only those.
import { cls, computed, html, useRef, useState } from "../lib/dom.js";
import { number, t } from "../lib/i18n.js";
import { clock, cityNow, tick, when } from "../lib/time.js";
import { change, filters, inTab, points } from "./state.js";

const BARS = 72, HOUR_MS = 3_600_000, HOURS = ["1", "6", "24"];

const drawn = computed(() => {
  tick.value;
  const { hours, tab } = filters.value, step = Number(hours) * HOUR_MS / BARS, end = Math.ceil(cityNow() / step) * step, begin = end - BARS * step;
  const bars = Array.from({ length: BARS }, () => [0, 0]);
  for (const point of points.value.values()) {
    const at = Math.floor((point.opened - begin) / step);
    if (at >= 0 && at < BARS && inTab(tab, point)) bars[at][point.severity === "emergency" || point.severity === "major" ? 1 : 0] += 1;
  }
  return { bars, begin, end, step };
});

export function Brush() {
  const { hours, from, to } = filters.value, { bars, begin, end, step } = drawn.value, strip = useRef(null), [drag, setDrag] = useState(null);
  const most = Math.max(4, ...bars.map(([one, other]) => one + other)), share = (moment) => Math.min(1, Math.max(0, (moment - begin) / (end - begin)));
  const at = (event) => { const box = strip.current.getBoundingClientRect(); return begin + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (end - begin); };
  const snap = ([one, other]) => [Math.floor(Math.min(one, other) / step) * step, Math.ceil(Math.max(one, other) / step) * step];
  const chosen = drag ? snap(drag) : from ? [Date.parse(from), to ? Date.parse(to) : end] : null;
  const narrow = ([one, other]) => change({ from: new Date(one).toISOString(), to: other >= end ? "" : new Date(other).toISOString() });
  const down = (event) => { event.currentTarget.setPointerCapture(event.pointerId); setDrag([at(event), at(event)]); };
  const up = () => { if (drag) narrow(snap(drag)); setDrag(null); };
  const keys = (event) => {
    const by = { ArrowLeft: -step, ArrowRight: step }[event.key];
    if (by) { event.preventDefault(); event.stopPropagation(); const [one, other] = chosen ?? [end - 6 * step, end]; narrow(event.shiftKey ? [one + by, other] : [one + by, Math.min(end, other + by)]); }
    if (event.key === "Escape" && chosen) { event.stopPropagation(); change({ from: "", to: "" }); }
  };
  const marks = Array.from({ length: 5 }, (_, place) => begin + (end - begin) * place / 4);
  return html`<section class="brush" aria-label=${t("brush")}>
    <div class="spans" role="group" aria-label=${t("brush.span")}>${HOURS.map((one) => html`<button type="button" key=${one} aria-pressed=${hours === one} onClick=${() => change({ hours: one, from: "", to: "" })}>${t("brush.hours", { n: one })}</button>`)}</div>
    <div class="strip" ref=${strip} tabindex="0" role="slider" aria-label=${t("brush.label")} aria-valuemin=${begin} aria-valuemax=${end} aria-valuenow=${chosen?.[0] ?? begin}
      aria-valuetext=${chosen ? t("brush.from", { from: when(chosen[0]), to: when(chosen[1]) }) : t("brush.all")} onPointerDown=${down} onPointerMove=${(event) => drag && setDrag([drag[0], at(event)])} onPointerUp=${up} onPointerCancel=${() => setDrag(null)} onKeyDown=${keys}>
      <svg viewBox="0 0 ${BARS} 100" preserveAspectRatio="none" aria-hidden="true">${bars.map(([lesser, graver], place) => {
        const inside = !chosen || (begin + place * step >= chosen[0] && begin + place * step < chosen[1]), low = lesser / most * 92, high = graver / most * 92;
        return html`<g key=${place} class=${cls({ outside: !inside })}><rect class="lesser" x=${place + 0.12} width="0.76" y=${100 - low} height=${low}/><rect class="graver" x=${place + 0.12} width="0.76" y=${100 - low - high} height=${high}/></g>`;
      })}</svg>
      ${chosen && html`<i class="window" style=${{ left: `${share(chosen[0]) * 100}%`, right: `${(1 - share(chosen[1])) * 100}%` }}></i>`}
      <div class="marks" aria-hidden="true">${marks.map((mark, place) => html`<span key=${place} style=${{ left: `${place * 25}%` }}>${clock(mark)}</span>`)}</div></div>
    <p class="says">${chosen ? html`<b>${t("brush.from", { from: clock(chosen[0]), to: clock(chosen[1]) })}</b><button type="button" class="link" onClick=${() => change({ from: "", to: "" })}>${t("brush.clear")}</button>`
      : html`<span>${t("brush.sum", { n: number(bars.reduce((sum, [one, other]) => sum + one + other, 0)) })}</span>`}</p></section>`;
}
