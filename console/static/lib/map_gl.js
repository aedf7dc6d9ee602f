// The map on MapLibre: no tiles needed, no glyph server (labels are drawn from the system's fonts); cases clustered in its worker.
import * as gl from "../vendor/maplibre-gl.mjs";
import { lang, t } from "./i18n.js";
import { cityBounds, colours } from "./map.js";
import { SEVERITIES } from "./ui.js";

const CSS = "/static/vendor/maplibre-gl.css", CLUSTERED_BELOW = 12, PADDING = 28, EMPTY = { type: "FeatureCollection", features: [] };
const INK = ["water", "land", "land-weighted", "shore", "ink", "soft", "panel", "accent", "late", ...SEVERITIES];
const RATIO = 3, BOX = 22, NORMAL_PX = 14; // the page's letters: on a wall the signs grow with them
// Outlines of the four shapes in a box of 16, as lib/ui.js draws them.
const SHAPES = { emergency: [[8, 1], [15.5, 14.5], [0.5, 14.5]], major: [[2, 2], [14, 2], [14, 14], [2, 14]], minor: [[8, 0.5], [15.5, 8], [8, 15.5], [0.5, 8]] };

function styled() {
  if (document.querySelector(`link[href="${CSS}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: CSS });
  return new Promise((done) => { link.onload = link.onerror = done; document.head.append(link); });
}

function icon(severity, ink, overdue) {
  const canvas = document.createElement("canvas"), side = (BOX + 8) * RATIO;
  canvas.width = canvas.height = side;
  const brush = canvas.getContext("2d");
  brush.scale(RATIO, RATIO);
  brush.translate(4, 4);
  if (overdue) {
    brush.beginPath(); brush.arc(11, 11, 13, 0, 2 * Math.PI);
    brush.fillStyle = ink.panel; brush.fill(); brush.lineWidth = 2.4; brush.strokeStyle = ink.late; brush.stroke();
  }
  brush.beginPath();
  if (SHAPES[severity]) SHAPES[severity].forEach(([x, y]) => brush.lineTo(x + 3, y + 3));
  else brush.arc(11, 11, 6.6, 0, 2 * Math.PI);
  brush.closePath();
  brush.lineJoin = "round"; brush.lineWidth = 3.4; brush.strokeStyle = ink.panel; brush.stroke();
  brush.fillStyle = ink[severity]; brush.fill();
  return brush.getImageData(0, 0, side, side);
}

const feature = ({ id, lon, lat, severity, overdue }) => ({
  type: "Feature", id, geometry: { type: "Point", coordinates: [lon, lat] }, properties: { id, s: SEVERITIES.indexOf(severity), o: overdue ? 1 : 0 },
});
const named = ["match", ["get", "s"], ...SEVERITIES.flatMap((severity, at) => [at, severity]), "normal"];

const collection = (points) => ({ type: "FeatureCollection", features: points.map(feature) });

function style(outlines, ink, layers, scale, points) {
  const labels = outlines.features.map(({ properties }) => ({ type: "Feature", geometry: { type: "Point", coordinates: properties.label }, properties: { name: properties[lang] } }));
  const rasters = Object.fromEntries(layers.map((layer) => [`base-${layer.id}`, { type: "raster", tiles: layer.tiles, tileSize: layer.tile_size ?? 256, maxzoom: layer.max_zoom ?? 18 }]));
  const clusters = { emergencies: ["+", ["case", ["==", ["get", "s"], 0], 1, 0]], over: ["+", ["get", "o"]], top: ["min", ["get", "s"]] };
  const topColour = ["match", ["get", "top"], ...SEVERITIES.flatMap((severity, at) => [at, ink[severity]]), ink.normal];
  return {
    version: 8, sources: {
      ...rasters, districts: { type: "geojson", data: outlines, promoteId: "code" }, labels: { type: "geojson", data: { type: "FeatureCollection", features: labels } },
      cases: { type: "geojson", data: collection(points), promoteId: "id", cluster: true, clusterMaxZoom: CLUSTERED_BELOW, clusterRadius: Math.round(36 * scale), clusterProperties: clusters, maxzoom: 14 },
      picked: { type: "geojson", data: EMPTY }, hovered: { type: "geojson", data: EMPTY },
    }, layers: [
      { id: "water", type: "background", paint: { "background-color": ink.water } },
      ...layers.map((layer) => ({ id: `base-${layer.id}`, type: "raster", source: `base-${layer.id}`, layout: { visibility: "none" }, paint: { "raster-opacity": layer.opacity ?? 1 } })),
      { id: "land", type: "fill", source: "districts", paint: { "fill-color": ink.land } },
      { id: "weights", type: "fill", source: "districts", paint: { "fill-color": ink.landWeighted, // fades as one comes near: there the cases say it themselves
        "fill-opacity": ["interpolate", ["linear"], ["zoom"], 8.5, ["coalesce", ["feature-state", "weight"], 0], 11, 0] } },
      { id: "shore", type: "line", source: "districts", paint: { "line-color": ink.shore, "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.8, 13, 2] } },
      { id: "names", type: "symbol", source: "labels", layout: { "text-field": ["get", "name"], "text-size": ["interpolate", ["linear"], ["zoom"], 7, 11 * scale, 12, 17 * scale], "text-padding": 6 },
        paint: { "text-color": ink.soft, "text-halo-color": ink.land, "text-halo-width": 1.6 } },
      { id: "clusters", type: "circle", source: "cases", filter: ["has", "point_count"], paint: { "circle-color": ink.panel, "circle-stroke-color": topColour, "circle-stroke-width": 2.4,
        "circle-radius": ["interpolate", ["linear"], ["get", "point_count"], 2, 13 * scale, 30, 17 * scale, 200, 24 * scale, 2000, 32 * scale] } },
      { id: "sums", type: "symbol", source: "cases", filter: ["has", "point_count"], layout: { "text-allow-overlap": true, "text-ignore-placement": true, "text-size": 12.5 * scale,
        "text-field": ["case", [">", ["get", "emergencies"], 0], ["format", ["get", "point_count_abbreviated"], {}, "\n", {}, ["concat", "▲", ["get", "emergencies"]], { "font-scale": 0.8, "text-color": ink.emergency }],
          ["get", "point_count_abbreviated"]] }, paint: { "text-color": ink.ink } },
      { id: "cases", type: "symbol", source: "cases", filter: ["!", ["has", "point_count"]], layout: { "icon-image": ["concat", named, ["case", ["==", ["get", "o"], 1], "-over", ""]],
        "icon-allow-overlap": true, "icon-ignore-placement": true, "symbol-sort-key": ["-", 0, ["get", "s"]], "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.78 * scale, 14, 1.1 * scale] } },
      { id: "hovered", type: "circle", source: "hovered", paint: { "circle-radius": 15 * scale, "circle-color": "#0000", "circle-stroke-width": 2.5, "circle-stroke-color": ink.accent } },
      { id: "picked-case", type: "symbol", source: "picked", layout: { "icon-image": ["concat", named, ["case", ["==", ["get", "o"], 1], "-over", ""]], "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": scale } },
      { id: "picked", type: "circle", source: "picked", paint: { "circle-radius": 19 * scale, "circle-color": "#0000", "circle-stroke-width": 4, "circle-stroke-color": ink.accent } },
    ],
  };
}

const dressed = styled();

export async function create(el, { outlines, label, layers = [], view = null, points = [] }) {
  await dressed;
  const ink = colours(INK), scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / NORMAL_PX, whole = cityBounds(outlines);
  const map = new gl.Map({
    container: el, style: style(outlines, ink, layers, scale, points), attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 18, fadeDuration: 0,
    locale: { "Map.Title": label }, ...(view ? { center: [view[0], view[1]], zoom: view[2] } : { bounds: whole, fitBoundsOptions: { padding: PADDING } }),
  });
  map.touchZoomRotate.disableRotation();
  for (const severity of SEVERITIES) {
    for (const overdue of [false, true]) map.addImage(severity + (overdue ? "-over" : ""), icon(severity, ink, overdue), { pixelRatio: RATIO });
  }
  await new Promise((done) => { map.once("load", done); });
  return door(map, whole, outlines, points);
}

function door(map, whole, outlines, points) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches, source = (id) => map.getSource(id);
  const one = (point) => ({ type: "FeatureCollection", features: point ? [feature(point)] : [] });
  let picked = () => {}, moved = () => {}, last = {}, shown = points;
  listen(map, (what) => picked(what), () => moved({ bbox: map.getBounds().toArray().flat().map((n) => Number(n.toFixed(5))), view: [...map.getCenter().toArray().map((n) => Number(n.toFixed(4))), Number(map.getZoom().toFixed(2))] }));
  return {
    kind: "gl", map,
    applyPoints({ all, put = [], drop = [] }) {
      if (all) {
        if (all !== shown) source("cases").setData(collection(all));
        shown = all;
        map.once("idle", () => { map.getContainer().dataset.drawn = all.length; });
        map.triggerRepaint();
      } else if (put.length || drop.length) source("cases").updateData({ remove: [...drop, ...put.map(({ id }) => id)], add: put.map(feature) });
      shown = null;
    },
    highlight(point, hovered) { source("picked").setData(one(point)); source("hovered").setData(one(hovered)); },
    fit: (box) => map.fitBounds(box ?? whole, { padding: PADDING, maxZoom: 15, animate: !still, duration: 600 }),
    moveTo({ lon, lat }, near = 0) { if (near || !map.getBounds().contains([lon, lat])) map.easeTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), near), duration: still ? 0 : 500 }); },
    setWeights(weights) {
      for (const { properties: { code } } of outlines.features) if (weights[code] !== last[code]) map.setFeatureState({ source: "districts", id: code }, { weight: weights[code] ?? 0 });
      last = weights;
    },
    setLayer(chosen) { for (const { id } of map.getStyle().layers) if (id.startsWith("base-")) map.setLayoutProperty(id, "visibility", id === `base-${chosen}` ? "visible" : "none"); for (const id of ["land", "weights"]) map.setLayoutProperty(id, "visibility", chosen ? "none" : "visible"); },
    onPick(fn) { picked = fn; }, onMove(fn) { moved = fn; }, zoom: (by) => map.easeTo({ zoom: map.getZoom() + by, duration: still ? 0 : 200 }), destroy: () => map.remove(),
  };
}

function listen(map, pick, move) {
  const near = ({ x, y }) => map.queryRenderedFeatures([[x - 6, y - 6], [x + 6, y + 6]], { layers: ["cases", "clusters"] })[0];
  map.on("click", async ({ point }) => {
    const found = near(point);
    if (!found) { pick(null); return; }
    if (!found.properties.cluster) { pick({ id: found.properties.id }); return; }
    const cases = map.getSource("cases"), [lon, lat] = found.geometry.coordinates;
    const zoom = await cases.getClusterExpansionZoom(found.properties.cluster_id);
    if (zoom <= CLUSTERED_BELOW && map.getZoom() < CLUSTERED_BELOW) { map.easeTo({ center: [lon, lat], zoom: zoom + 0.3 }); return; }
    const leaves = await cases.getClusterLeaves(found.properties.cluster_id, 200, 0);
    pick({ ids: leaves.map((leaf) => leaf.properties.id), lon, lat });
  });
  let shown = null;
  map.on("mousemove", ({ point }) => {
    const found = near(point), id = found && !found.properties.cluster ? found.properties.id : null;
    map.getCanvas().style.cursor = found ? "pointer" : "";
    if (id !== shown) { shown = id; pick({ hovered: id }); }
  });
  map.on("moveend", move);
  map.on("error", ({ error }) => { if (error?.status === undefined) console.error(t("map"), error); }); // a missing tile is no error of the page
}
