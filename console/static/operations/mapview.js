// The map of the page: what the list shows, where it is; a case pointed at in one is seen in the other.
import { get } from "../lib/api.js";
import { cls, computed, effect, html, signal, useEffect, useRef } from "../lib/dom.js";
import { Icon } from "../lib/icons.js";
import { catalogue, named, nameOf, number, t } from "../lib/i18n.js";
import { isDark } from "../lib/look.js";
import { ahead, createMap } from "../lib/map.js";
import { IconButton, Menu, SEVERITIES, Shape, Trouble } from "../lib/ui.js";
import { complete, loadMap, mapChanges, trouble } from "./live.js";
import { change, choose, chosen, cursorRow, filters, hovered, inTab, points, shown } from "./state.js";

const map = signal(null), outlines = signal(null), heap = signal(null), layer = signal(null);
const layers = () => catalogue.map?.layers ?? [];
export const fitCity = () => { change({ at: "", bbox: "" }); map.value?.fit(null); };

const NEAR = 14;
export const goThere = (id) => { const point = points.value.get(id); if (point) map.value?.moveTo(point, NEAR); };

const weights = computed(() => {
  const counts = {};
  for (const point of shown.value) counts[point.district] = (counts[point.district] ?? 0) + 1;
  const most = Math.max(1, ...Object.values(counts));
  return Object.fromEntries(Object.entries(counts).map(([code, count]) => [code, count / most]));
});

async function make(el) {
  [outlines.value] = await Promise.all([outlines.value ?? get("/districts"), ahead()]);
  const at = filters.value.at.split(",").map(Number);
  const made = await createMap(el, { outlines: outlines.value, label: t("map.label"), layers: layers(), points: shown.peek(), view: at.length === 3 && at.every(Number.isFinite) ? at : null });
  made.onPick(picked);
  made.onMove(({ view, bbox }) => { heap.value = null; change({ ...(view ? { at: view.join(",") } : {}), ...(filters.value.bbox ? { bbox: bbox.join(",") } : {}) }); made.bbox = bbox; });
  return made;
}

function picked(found) {
  if (found && "hovered" in found) { hovered.value = found.hovered; return; }
  heap.value = found?.ids ? found : null;
  if (found?.id) choose(found.id);
  if (found && "district" in found) change({ district: found.district ? [found.district] : [] });
}

// The points of the tab as the map has them: everything when what is asked changed, otherwise the difference of the last half second.
function feedMap(made) {
  let last = null, dark = document.hidden;
  return effect(() => {
    const { all, put, drop } = mapChanges.value, { tab, from, to, bbox } = filters.value, question = JSON.stringify([tab, from, to, bbox]);
    if (document.hidden) { dark = true; return; }
    if (all || question !== last || dark || made.kind === "svg") made.applyPoints({ all: shown.peek() });
    else {
      const here = put.filter((point) => inTab(tab, point) && shown.peek().includes(point)), away = put.filter((point) => !here.includes(point)).map(({ id }) => id);
      made.applyPoints({ put: here, drop: [...drop, ...away] });
    }
    [last, dark] = [question, document.hidden];
  });
}

export function MapView() {
  const el = useRef(null);
  useEffect(() => {
    let made = null, gone = false, stops = [];
    (async () => {
      made = await make(el.current);
      if (gone) { made.destroy(); return; }
      const find = (id) => id ? points.value.get(id) ?? null : null;
      stops = [feedMap(made), effect(() => made.setWeights(weights.value)), effect(() => made.setLayer(layer.value)),
        effect(() => made.highlight(find(chosen.value ?? cursorRow.value), find(hovered.value))), effect(() => { const point = points.peek().get(chosen.value); if (point) made.moveTo(point); })];
      const wake = () => { if (!document.hidden) mapChanges.value = { ...mapChanges.value, all: true }; };
      document.addEventListener("visibilitychange", wake);
      stops.push(() => document.removeEventListener("visibilitychange", wake));
      map.value = made;
      el.current.parentElement.dataset.ready = made.kind;
    })().catch((error) => { trouble.value = error; if (!error.status) throw error; });
    return () => { gone = true; stops.forEach((stop) => stop()); map.value = null; made?.destroy(); };
  }, [isDark.value]);
  const features = outlines.value?.features ?? [], invented = features[0]?.properties.schematic;
  return html`<section class="map" aria-label=${t("map")}>
    <div class="canvas" key=${String(isDark.value)}><div ref=${el}></div></div>
    ${trouble.value && html`<div class="map-trouble"><${Trouble} error=${trouble.value} onRetry=${loadMap}/></div>`}
    <div class="controls"><${IconButton} icon="plus" label=${t("map.in")} onClick=${() => map.value?.zoom(1)}/><${IconButton} icon="minus" label=${t("map.out")} onClick=${() => map.value?.zoom(-1)}/>
      <${IconButton} icon="fit" label=${t("map.whole")} onClick=${fitCity}/>
      ${layers().length > 0 && html`<${Menu} label=${t("map.layers")} icon="layers" items=${[{ label: t("map.plain"), checked: !layer.value, act: () => { layer.value = null; } },
        ...layers().map((one) => ({ label: named(one), checked: layer.value === one.id, act: () => { layer.value = one.id; } }))]}/>`}</div>
    <button type="button" class=${cls("in-view", { on: filters.value.bbox })} aria-pressed=${Boolean(filters.value.bbox)} onClick=${() => change({ bbox: filters.value.bbox ? "" : map.value?.bbox?.join(",") ?? "" })}>${t("filter.inView")}</button>
    ${!complete.value && html`<p class="crowded" role="status">${t("map.crowded", { n: number(points.value.size) })}</p>`}
    <ul class="legend" aria-label=${t("legend")}>${SEVERITIES.map((severity) => html`<li key=${severity}><${Shape} severity=${severity} named size="12"/></li>`)}<li class="late"><i></i>${t("legend.overdue")}</li></ul>
    <p class="source">${invented ? html`<b>${t("map.schematic")}</b>` : outlines.value?.schematic_cells ? html`<b>${t("map.schematicCells")}</b>` : ""} ${outlines.value?.origin ? t("map.source", { name: outlines.value.origin }) : ""}${layer.value ? ` · ${layers().find((one) => one.id === layer.value)?.attribution ?? ""}` : ""}</p>
    ${heap.value && html`<${Heap} ids=${heap.value.ids}/>`}</section>`;
}

// Cases at one place, which no zoom parts.
function Heap({ ids }) {
  const found = ids.map((id) => points.value.get(id)).filter(Boolean);
  return html`<div class="heap" role="dialog" aria-label=${t("heap", { n: found.length })}><header><b>${t("heap", { n: number(found.length) })}</b><${IconButton} icon="close" label=${t("close")} onClick=${() => { heap.value = null; }}/></header>
    <ul>${found.slice(0, 50).map((point) => html`<li key=${point.id}><button type="button" onClick=${() => { heap.value = null; choose(point.id); }} onMouseEnter=${() => { hovered.value = point.id; }}>
      <${Shape} severity=${point.severity}/>${nameOf("categories", point.category)}<small>${t(`state.${point.state}`)}</small></button></li>`)}</ul></div>`;
}
