// The map behind one small door, so that another engine is one more file: MapLibre where there is WebGL2, the districts as SVG where there is none.
//
// createMap(el, {outlines, label, layers, dark, view, points}) → {
//   applyPoints({all?, put?, drop?}): points {id, lon, lat, severity, overdue, state}; `all` replaces everything, otherwise a difference; when all stand on the map, el.dataset.drawn is how many,
//   highlight(point | null, hovered | null), fit([west, south, east, north] | null for the whole city), moveTo({lon, lat}, zoom?): into view, or that near,
//   onPick(fn({id} | {ids, lon, lat} | {district} | null)), onMove(fn({bbox, view: [lon, lat, zoom]})),
//   setWeights({district: 0…1}), setLayer(id | null), zoom(by), destroy(), kind: "gl" | "svg" }

export const hasWebGL2 = () => {
  try { return Boolean(document.createElement("canvas").getContext("webgl2")); } catch { return false; }
};

let engine = null;
// Begins to fetch the engine, the largest script of all; a page that will need it says so before it asks the server for anything.
export const ahead = () => engine ??= (hasWebGL2() ? import("./map_gl.js") : import("./map_svg.js")).catch((error) => { engine = null; throw error; });

export const createMap = async (el, options) => (await ahead()).create(el, options);

// [west, south, east, north] around features' rings or points.
export function boundsOf(coordinates) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (part) => {
    if (typeof part[0] !== "number") { part.forEach(take); return; }
    box[0] = Math.min(box[0], part[0]); box[1] = Math.min(box[1], part[1]);
    box[2] = Math.max(box[2], part[0]); box[3] = Math.max(box[3], part[1]);
  };
  take(coordinates);
  return box;
}

export const cityBounds = (outlines) => boundsOf(outlines.features.map((feature) => feature.geometry.coordinates));

// The colours of the page as plain values, for engines that cannot read custom properties.
export function colours(names) {
  const probe = document.createElement("i");
  document.body.append(probe);
  const found = Object.fromEntries(names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()), getComputedStyle(probe).color];
  }));
  probe.remove();
  return found;
}
