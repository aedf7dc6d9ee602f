// The place of a call on the city's map: a click sets it. The same map as everywhere (lib/map.js), with the cases that are near.
import { cityBounds, createMap } from "../lib/map.js";

const AT = "here", HAND_PX = 8, LEAST_M = 20, EQUATOR_M = 40075016.7, TILE_PX = 512, DEGREE_M = 111195;

/** How far off a click may be: what a hand misses by, at this scale. */
const within = (metresPerPixel) => Math.max(LEAST_M, Math.round(metresPerPixel * HAND_PX));
const scaleOf = (map, lat) => EQUATOR_M * Math.cos(lat * Math.PI / 180) / (TILE_PX * 2 ** map.getZoom());

/** Reads where a click on the SVG fallback is, in degrees: the inverse of its drawing. */
function fromSvg(svg, outlines, event) {
  const whole = cityBounds(outlines), squeeze = Math.cos(whole[1] * Math.PI / 180);
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return { lon: whole[0] + x / (squeeze * 1000), lat: whole[3] - y / 1000, accuracy_m: within(DEGREE_M / 1000 / svg.getScreenCTM().a) };
}

/** {show(point, near), leave()}: `onPlace({lon, lat, accuracy_m})` at every click. */
export async function placeMap(el, outlines, label, onPlace) {
  const map = await createMap(el, { outlines, label });
  const round = ({ lon, lat, accuracy_m }) => ({ lon: Number(lon.toFixed(6)), lat: Number(lat.toFixed(6)), accuracy_m });
  const click = (event) => { const svg = el.querySelector("svg.flat-map"); if (svg) onPlace(round(fromSvg(svg, outlines, event))); };
  if (map.kind === "gl") map.map.on("click", ({ lngLat }) => onPlace(round({ lon: lngLat.lng, lat: lngLat.lat, accuracy_m: within(scaleOf(map.map, lngLat.lat)) })));
  else el.addEventListener("click", click);
  return {
    show(point, near) {
      map.applyPoints({ all: near.map(({ row }) => ({ id: row.case_id, lon: row.lon, lat: row.lat, severity: row.severity, overdue: row.overdue, state: row.state })) });
      map.highlight(point ? { id: AT, ...point, severity: "normal", overdue: false, state: "reported" } : null, null);
      if (point) map.moveTo(point);
    },
    zoom: map.zoom, leave() { el.removeEventListener("click", click); map.destroy(); },
  };
}
