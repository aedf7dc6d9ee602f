// The place as a plan: the case in the middle, what else is known around it to scale (photos, likely duplicates), rings at round distances, and the
// district with a dot. Drawn as SVG from what the page has: it needs no tiles, works without WebGL and prints.
import { html } from "../lib/dom.js";
import { nameOf, t } from "../lib/i18n.js";
import { bearing } from "../field/where.js";

const STEPS_M = [10, 25, 50, 100, 250, 500, 1000, 2500], HALF = 100, EDGE = 88, NEAR_M = 400;
const DEGREES_M = 111195;

const offset = (from, to) => ({ x: (to.lon - from.lon) * DEGREES_M * Math.cos(from.lat * Math.PI / 180), y: -(to.lat - from.lat) * DEGREES_M });

/** `row`: the case; `others` [{lon, lat, kind, label}]. */
export function Plan({ row, accuracy_m = 0, others, districts }) {
  const near = others.filter((one) => one.lon !== null && one.lon !== undefined && bearing(row, one).metres < NEAR_M);
  const farthest = Math.max(40, accuracy_m, ...near.map((one) => bearing(row, one).metres)), step = STEPS_M.find((one) => one * 2 >= farthest) ?? STEPS_M.at(-1), scale = EDGE / Math.max(step * 2, farthest);
  const place = (one) => { const { x, y } = offset(row, one); return `translate(${x * scale} ${y * scale})`; };
  const kinds = [...new Set(near.map((one) => one.kind))];
  return html`<figure class="plan"><svg viewBox="-100 -100 200 200" role="img" aria-label=${t("plan.label", { place: row.address ?? nameOf("districts", row.district), n: near.length })}>
      <rect x=${-HALF} y=${-HALF} width="200" height="200" class="land"/>
      ${[1, 2].map((times) => html`<circle key=${times} r=${step * times * scale} class="reach"/><text x="3" y=${-step * times * scale + 9} class="reach-name">${step * times} m</text>`)}
      ${accuracy_m > 0 && html`<circle r=${Math.max(4, accuracy_m * scale)} class="accuracy"/>`}
      ${near.map((one, number) => html`<g key=${number} transform=${place(one)} class=${`other ${one.kind}`}><title>${one.label} · ${Math.round(bearing(row, one).metres)} m</title>${one.kind === "after" ? html`<path d="M-5 4.5 0 -5.5 5 4.5Z"/>` : one.kind === "before" ? html`<path d="M-4 -4h8v8h-8Z"/>` : html`<circle r="4.5"/>`}</g>`)}
      <path class="here" d="M0 0C-5 -8 -8 -11 -8 -16a8 8 0 1 1 16 0c0 5 -3 8 -8 16Z"/><circle class="hole" cy="-16" r="3"/>
      <g class="north" transform="translate(86 -84)"><path d="M0 -8 4 5 0 2 -4 5Z"/><text y="14" text-anchor="middle">N</text></g></svg>
    <${Inset} row=${row} districts=${districts}/>
    ${kinds.length > 0 && html`<figcaption>${kinds.map((kind) => html`<span key=${kind} class=${`key ${kind}`}>${t(`plan.${kind}`)}</span>`)}</figcaption>`}</figure>`;
}

/** The district's outline with the case as a dot. */
function Inset({ row, districts }) {
  const feature = districts?.features?.find((one) => String(one.id ?? one.properties?.code) === row.district);
  if (!feature) return null;
  const polygons = feature.geometry.type === "Polygon" ? [feature.geometry.coordinates] : feature.geometry.coordinates, points = polygons.flat(2);
  const [west, east] = [Math.min(...points.map(([lon]) => lon)), Math.max(...points.map(([lon]) => lon))], [south, north] = [Math.min(...points.map(([, lat]) => lat)), Math.max(...points.map(([, lat]) => lat))];
  const narrow = Math.cos((south + north) / 2 * Math.PI / 180), scale = 56 / Math.max((east - west) * narrow, north - south);
  const at = (lon, lat) => [((lon - (west + east) / 2) * narrow * scale).toFixed(1), (-(lat - (south + north) / 2) * scale).toFixed(1)];
  const drawn = polygons.map((rings) => rings.map((ring) => `M${ring.map(([lon, lat]) => at(lon, lat).join(" ")).join("L")}Z`).join("")).join("");
  const [x, y] = at(row.lon, row.lat);
  return html`<svg class="inset" viewBox="-32 -32 64 64" aria-hidden="true"><path d=${drawn}/><circle cx=${x} cy=${y} r="3.2"/></svg>`;
}
