// The figures of the head, counted from the cases on the map: each one is a filter, and none disagrees with the list.
import { cls, computed, html } from "../lib/dom.js";
import { number, t } from "../lib/i18n.js";
import { cityNow, tick } from "../lib/time.js";
import { change, filters, points } from "./state.js";

const SOON_MS = 30 * 60_000, HOUR_MS = 3_600_000;

const figures = computed(() => {
  tick.value;
  const now = cityNow(), found = { open: 0, hour: 0, emergency: 0, soon: 0, overdue: 0 };
  for (const point of points.value.values()) {
    found.open += 1;
    if (point.opened && now - point.opened < HOUR_MS) found.hour += 1;
    if (point.severity === "emergency") found.emergency += 1;
    if (point.overdue) found.overdue += 1;
    else if (point.due && point.due - now < SOON_MS) found.soon += 1;
  }
  return found;
});

export function Figures() {
  const found = figures.value, { severity, tab, from } = filters.value, only = (one) => severity.length === 1 && severity[0] === one;
  const tile = (name, on, act) => html`<button type="button" class=${cls("kpi", name, { none: !found[name] })} aria-pressed=${on} onClick=${act} title=${t(`kpi.${name}.hint`)}>
    <b>${number(found[name])}</b><span>${t(`kpi.${name}`)}</span></button>`;
  return html`<div class="kpis" role="group" aria-label=${t("kpis")}>
    ${tile("open", tab === "all" && !severity.length && !from, () => change({ tab: "all", severity: [], from: "", to: "" }))}
    ${tile("hour", Boolean(from), () => change(from ? { from: "", to: "" } : { tab: "all", from: new Date(cityNow() - HOUR_MS).toISOString(), to: "" }))}
    ${tile("emergency", only("emergency"), () => change({ severity: only("emergency") ? [] : ["emergency"], tab: "all" }))}
    ${tile("soon", tab !== "overdue" && filters.value.sort === "due", () => change({ tab: "all", sort: filters.value.sort === "due" ? "" : "due" }))}
    ${tile("overdue", tab === "overdue", () => change({ tab: tab === "overdue" ? "all" : "overdue" }))}</div>`;
}
