// The map without WebGL2: the districts as SVG, weighted by their open cases; a click on one chooses it. Also what a printer gets.
import { html, render } from "./dom.js";
import { lang, number, t } from "./i18n.js";
import { boundsOf, cityBounds } from "./map.js";

export async function create(el, { outlines, label }) {
  const whole = cityBounds(outlines), squeeze = Math.cos(whole[1] * Math.PI / 180), state = { points: new Map(), picked: null, hovered: null, box: whole, chosen: null };
  const project = (lon, lat) => [(lon - whole[0]) * squeeze * 1000, (whole[3] - lat) * 1000];
  const areas = outlines.features.map(({ geometry, properties }) => {
    const rings = (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).flat();
    return { code: properties.code, name: properties[lang], home: project(...properties.label), box: boundsOf(geometry.coordinates),
      d: rings.map((ring) => `M${ring.map((point) => project(...point).map((n) => n.toFixed(1)).join(" ")).join("L")}Z`).join("") };
  });
  let pick = () => {}, move = () => {};
  const choose = (area) => { state.chosen = area?.code ?? null; state.box = area?.box ?? whole; pick({ district: state.chosen }); draw(); };
  const draw = () => render(html`<${Drawing} ...${{ ...state, areas, project, label, choose }}/>`, el);
  const show = (box) => { state.box = box; draw(); move({ bbox: box, view: null }); };
  draw();
  return {
    kind: "svg",
    applyPoints({ all, put = [], drop = [] }) {
      if (all) state.points = new Map(all.map((point) => [point.id, point]));
      for (const point of put) state.points.set(point.id, point);
      for (const id of drop) state.points.delete(id);
      draw();
      if (all) el.dataset.drawn = all.length;
    },
    highlight(picked, hovered) { Object.assign(state, { picked, hovered }); draw(); },
    fit: (box) => show(box ?? whole), moveTo() {}, setWeights() {}, setLayer() {}, zoom(by) { if (by < 0) choose(null); },
    onPick(fn) { pick = fn; }, onMove(fn) { move = fn; }, destroy: () => render(null, el),
  };
}

// Names of small neighbours would lie on one another: the smaller goes down until it has room, tied to its place by a line.
function spread(areas, unit) {
  const placed = [], wide = (area) => area.name.length * unit * (/\p{Script=Han}/u.test(area.name) ? 2.5 : 1.35);
  const size = ({ box: [west, south, east, north] }) => (east - west) * (north - south);
  for (const area of [...areas].sort((one, other) => size(other) - size(one))) {
    let [x, y] = area.home;
    const taken = () => placed.some((one) => Math.abs(one.y - y) < unit * 5.2 && Math.abs(one.x - x) < (wide(one.area) + wide(area)) / 2);
    while (taken()) y += unit;
    placed.push({ area, x, y });
  }
  return placed;
}

function Drawing({ points, picked, hovered, box, chosen, areas, project, label, choose }) {
  const counts = {};
  for (const { district } of points.values()) counts[district] = (counts[district] ?? 0) + 1;
  const most = Math.max(1, ...Object.values(counts)), [x1, y1] = project(box[0], box[3]), [x2, y2] = project(box[2], box[1]), unit = Math.max(x2 - x1, y2 - y1) / 100;
  const mark = (point, kind) => point && html`<circle class=${kind} cx=${project(point.lon, point.lat)[0]} cy=${project(point.lon, point.lat)[1]} r=${unit * 1.6} stroke-width=${unit * 0.5}/>`;
  return html`<svg class="flat-map" viewBox="${x1 - unit * 3} ${y1 - unit * 3} ${x2 - x1 + unit * 6} ${y2 - y1 + unit * 6}" role="group" aria-label=${label} onKeyDown=${(event) => { if (event.key === "Escape" && chosen) choose(null); }}>
    ${areas.map((area) => html`<path key=${area.code} d=${area.d} class=${chosen === area.code ? "area chosen" : "area"} stroke-width=${unit * 0.15} role="button" tabindex="0" aria-pressed=${chosen === area.code}
      style=${{ "--weight": (counts[area.code] ?? 0) / most }} aria-label=${t("map.area", { name: area.name, n: number(counts[area.code] ?? 0) })}
      onClick=${() => choose(chosen === area.code ? null : area)} onKeyDown=${(event) => { if (["Enter", " "].includes(event.key)) { event.preventDefault(); event.stopPropagation(); choose(chosen === area.code ? null : area); } }}/>`)}
    <g aria-hidden="true">${spread(areas, unit).map(({ area, x, y }) => html`${y !== area.home[1] && html`<line x1=${area.home[0]} y1=${area.home[1]} x2=${x} y2=${y - unit} stroke-width=${unit * 0.12}/>`}
      <text key=${area.code} x=${x} y=${y} font-size=${unit * 2.5} stroke-width=${unit * 0.5}>${area.name}<tspan x=${x} dy="1.15em">${counts[area.code] ?? 0}</tspan></text>`)}
      ${mark(hovered, "hovered")}${mark(picked, "picked")}</g></svg>`;
}
