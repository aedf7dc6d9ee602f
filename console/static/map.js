// The districts as SVG and the cases on them as dots. No tiles: the outlines are all there is. A district opens with a click or Enter.
import { lang, nameOf, t } from "./words.js";

export const GROUPS = ["new", "sent", "work", "check", "closed", "off"];
const GROUP_OF = { reported: 0, verifying: 0, filed: 1, dispatched: 1, handling: 2, checking: 3, checked: 3, closed: 4 };
export const groupOf = (state) => GROUPS[GROUP_OF[state] ?? 5];

const CIRCLE = "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0", TRIANGLE = "M0-1.5L1.4 1H-1.4Z";
const part = (id) => document.getElementById(id), svg = part("map"), inset = part("inset");
const areas = new Map(), dots = new Map();
let project, core, view, zoomed = null;

export function drawDistricts(outlines) {
  const [lon0, lat0] = outlines.features[0].properties.label, squeeze = Math.cos(lat0 * Math.PI / 180);
  project = (lon, lat) => [(lon - lon0) * squeeze * 1000, (lat0 - lat) * 1000];
  for (const { id, geometry, properties } of outlines.features) {
    const rings = (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).flat();
    const d = rings.map((ring) => `M${ring.map((p) => project(...p).map((n) => n.toFixed(1)).join(" ")).join("L")}Z`).join("");
    const home = project(...properties.label), label = element("g", { class: "name", transform: `translate(${home})` });
    const path = element("path", { d, class: "area", tabindex: 0, role: "button", "data-district": id });
    label.append(element("text", {}, properties[lang]), element("text", { class: "count" }));
    part("areas").append(path);
    part("names").append(label);
    areas.set(id, { path, label, home, name: properties[lang], box: path.getBBox() });
    path.addEventListener("click", () => zoomTo(id));
    path.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), zoomTo(id)));
  }
  drawCore();
  part("whole").addEventListener("click", () => zoomTo(null));
  addEventListener("keydown", (event) => event.key === "Escape" && zoomTo(null));
  new ResizeObserver(look).observe(svg);
  zoomTo(null);
  countDistricts({});
}

// The smallest districts are a city's crowded middle: they are drawn once more, larger, beside the whole.
function drawCore() {
  const size = ({ box }) => box.width * box.height;
  const smallest = [...areas.values()].sort((one, other) => size(one) - size(other)).slice(0, areas.size > 5 ? 3 : 0);
  for (const area of smallest) {
    area.label.classList.add("core");
    part("inset-names").append(element("text", { x: area.home[0], y: area.home[1] }, area.name));
  }
  core = around(smallest.length ? smallest : [...areas.values()]);
  inset.setAttribute("viewBox", Object.values(core).join(" "));
  inset.classList.toggle("unneeded", !smallest.length);
  part("areas").after(element("rect", { class: "frame", ...core }));
  for (const event of ["click", "keydown"]) inset.addEventListener(event, ({ key }) => (!key || key === "Enter") && zoomTo("core"));
}

function element(tag, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function around(some) {
  const boxes = some.map(({ box }) => box), x = Math.min(...boxes.map((box) => box.x)), y = Math.min(...boxes.map((box) => box.y));
  const width = Math.max(...boxes.map((box) => box.x + box.width)) - x, height = Math.max(...boxes.map((box) => box.y + box.height)) - y;
  const margin = Math.max(width, height) * 0.04;
  return { x: x - margin, y: y - margin, width: width + 2 * margin, height: height + 2 * margin };
}

function zoomTo(id) {
  zoomed = id === zoomed ? null : id;
  view = zoomed === "core" ? core : around(zoomed ? [areas.get(zoomed)] : [...areas.values()]);
  svg.setAttribute("viewBox", Object.values(view).join(" "));
  svg.classList.toggle("zoomed", Boolean(zoomed));
  inset.toggleAttribute("hidden", Boolean(zoomed));
  part("whole").hidden = !zoomed;
  part("where").textContent = zoomed === "core" ? t("core") : nameOf("districts", zoomed);
  for (const [key, area] of areas) area.path.classList.toggle("chosen", key === zoomed);
  look();
}

// One pixel in units of each drawing, so that dots and names keep their size whatever the zoom.
function look() {
  for (const [drawing, box] of [[svg, view], [inset, core]]) {
    if (drawing.clientWidth) drawing.style.setProperty("--px", Math.max(box.width / drawing.clientWidth, box.height / drawing.clientHeight));
  }
}

export function drawCase(one, isNew) {
  let dot = dots.get(one.case_id);
  if (!dot) {
    dot = element("g", { transform: `translate(${project(one.lon, one.lat)})`, "data-case": one.case_id });
    dot.append(element("path", { d: one.severity === "emergency" ? TRIANGLE : CIRCLE }), element("title"));
    part("dots").append(dot);
    dots.set(one.case_id, dot);
  }
  dot.setAttribute("class", `dot ${groupOf(one.state)} ${one.severity} ${one.overdue ? "late" : ""} ${isNew ? "fresh" : ""}`);
  dot.dataset.state = one.state;
  dot.lastChild.textContent = [one.case_id, nameOf("categories", one.category), t(`state.${one.state}`)].join(" · ");
}

export function eraseCase(id) {
  dots.get(id)?.remove();
  dots.delete(id);
}

export function countDistricts(open) {
  const most = Math.max(1, ...Object.values(open));
  for (const [id, { path, label, name }] of areas) {
    label.lastChild.textContent = open[id] ?? "";
    path.style.setProperty("--weight", (open[id] ?? 0) / most);
    path.ariaLabel = t("area", name, open[id] ?? 0);
  }
}
