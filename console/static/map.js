// The districts as SVG and the cases on them as dots. No tiles: the outlines are all there is. A district opens with a click or Enter.
import { lang, nameOf, t } from "./words.js";

export const GROUPS = {
  new: ["reported", "verifying"], sent: ["filed", "dispatched"], work: ["handling"], check: ["checking", "checked"],
  closed: ["closed"], off: ["held", "suspended", "not_filed", "void", "merged"],
};
const GROUP_OF = Object.fromEntries(Object.entries(GROUPS).flatMap(([group, states]) => states.map((state) => [state, group])));
export const groupOf = (state) => GROUP_OF[state] ?? "off";

const SVG = "http://www.w3.org/2000/svg";
const CIRCLE = "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0", TRIANGLE = "M0-1.5L1.4 1H-1.4Z";
const svg = document.getElementById("map"), part = (id) => document.getElementById(id);
const areas = new Map(), dots = new Map();
let project, whole, view, zoomed = null;

export function drawDistricts(outlines) {
  const rings = (geometry) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).flat();
  const all = outlines.features.flatMap((feature) => rings(feature.geometry).flat());
  const [west, east, south, north] = [0, 1].flatMap((axis) => [Math.min, Math.max].map((edge) => all.reduce((a, p) => edge(a, p[axis]), p0(edge))));
  const squeeze = Math.cos(((south + north) / 2) * Math.PI / 180);
  project = (lon, lat) => [(lon - west) * squeeze * 1000, (north - lat) * 1000];
  for (const { id, geometry, properties } of outlines.features) {
    const path = element("path", { class: "area", tabindex: 0, role: "button", "data-district": id });
    path.setAttribute("d", rings(geometry).map((ring) => `M${ring.map((p) => project(...p).map((n) => n.toFixed(1)).join(" ")).join("L")}Z`).join(""));
    const label = element("g", { class: "name", "aria-hidden": true });
    const leader = element("line"), name = element("text"), count = element("text", { class: "count" });
    name.textContent = properties[lang];
    label.append(leader, name, count);
    part("areas").append(path);
    part("names").append(label);
    areas.set(id, { path, label, leader, name, count, open: 0, home: project(...properties.label), box: path.getBBox() });
    path.addEventListener("click", () => zoomTo(id));
    path.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), zoomTo(id)));
  }
  whole = { x: 0, y: 0, width: (east - west) * squeeze * 1000, height: (north - south) * 1000 };
  part("whole").addEventListener("click", () => zoomTo(null));
  addEventListener("keydown", (event) => event.key === "Escape" && zoomTo(null));
  new ResizeObserver(() => look()).observe(svg);
  zoomTo(null);
}

const p0 = (edge) => (edge === Math.min ? Infinity : -Infinity);

function element(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function zoomTo(id) {
  zoomed = id === zoomed ? null : id;
  const box = zoomed ? areas.get(zoomed).box : whole, margin = Math.max(box.width, box.height) * 0.06;
  view = { x: box.x - margin, y: box.y - margin, width: box.width + 2 * margin, height: box.height + 2 * margin };
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  part("whole").hidden = !zoomed;
  part("where").textContent = zoomed ? nameOf("districts", zoomed) : "";
  for (const [key, area] of areas) area.path.classList.toggle("chosen", key === zoomed);
  look();
}

// Sizes in pixels whatever the zoom, and a place for each name that no other name has: at home, or beside with a line.
function look() {
  if (!view || !svg.clientWidth) return;
  const unit = Math.max(view.width / svg.clientWidth, view.height / svg.clientHeight), taken = [];
  svg.style.setProperty("--px", unit);
  for (const area of [...areas.values()].sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height)) {
    const wide = (lang === "en" ? 78 : 58) * unit, high = 36 * unit;
    const boxAt = ([x, y]) => ({ x: x - wide / 2, y: y - high / 2 });
    const free = (at) => taken.every((other) => Math.abs(boxAt(at).x - other.x) > wide || Math.abs(boxAt(at).y - other.y) > high);
    const roomy = area.box.width > wide * 1.1 && area.box.height > high * 1.3;
    const around = [60, 84, 110].flatMap((r) => [90, 60, 120, 150, 180, 30, 210, 330, 0, 270].map((degrees) => {
      const angle = degrees * Math.PI / 180;
      return [area.home[0] + r * 1.2 * unit * Math.cos(angle), area.home[1] + r * 0.8 * unit * Math.sin(angle)];
    }));
    const at = (roomy ? [area.home, ...around] : around).find(free) ?? area.home;
    taken.push(boxAt(at));
    area.label.setAttribute("transform", `translate(${at[0]} ${at[1]})`);
    area.leader.setAttribute("x2", area.home[0] - at[0]);
    area.leader.setAttribute("y2", area.home[1] - at[1]);
  }
}

export function drawCase(one, isNew) {
  let dot = dots.get(one.case_id);
  if (!dot) {
    const [x, y] = project(one.lon, one.lat);
    dot = element("g", { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`, "data-case": one.case_id });
    dot.append(element("path", { d: one.severity === "emergency" ? TRIANGLE : CIRCLE }), element("title"));
    part("dots").append(dot);
    dots.set(one.case_id, dot);
  }
  dot.setAttribute("class", `dot ${groupOf(one.state)} ${one.severity} ${one.overdue ? "late" : ""} ${isNew ? "fresh" : ""}`);
  dot.dataset.state = one.state;
  dot.lastChild.textContent = [one.case_id, nameOf("categories", one.category), t(`state.${one.state}`), one.overdue && t("overdue")].filter(Boolean).join(" · ");
}

export function eraseCase(id) {
  dots.get(id)?.remove();
  dots.delete(id);
}

export function countDistricts(open) {
  const most = Math.max(1, ...Object.values(open));
  for (const [id, area] of areas) {
    const count = open[id] ?? 0;
    area.count.textContent = count || "";
    area.path.style.setProperty("--weight", count / most);
    area.path.ariaLabel = t("area", nameOf("districts", id), count);
  }
}
