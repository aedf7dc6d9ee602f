// Where the phone is, when its owner allows it, and how far and in which direction a task lies from there (WGS-84 degrees, metres).
const EARTH_M = 6371008.8, RADIANS = Math.PI / 180, FRESH_MS = 30e3, WAIT_MS = 8e3;
const WINDS = ["n", "ne", "e", "se", "s", "sw", "w", "nw"];

/** {metres, wind} from one point to another, wind one of eight; the error of the plane is below 0.1 % inside a city. */
export function bearing(from, to) {
  const east = (to.lon - from.lon) * RADIANS * Math.cos(((from.lat + to.lat) / 2) * RADIANS), north = (to.lat - from.lat) * RADIANS;
  const eighth = Math.round((Math.atan2(east, north) / (2 * Math.PI)) * WINDS.length);
  return { metres: Math.hypot(east, north) * EARTH_M, wind: WINDS[(eighth + WINDS.length) % WINDS.length] };
}

const point = ({ coords }) => ({ lon: coords.longitude, lat: coords.latitude, accuracy_m: Math.round(coords.accuracy) });

/** Whether asking would open a question to the person: "granted", "denied" or "prompt"; "none" where the phone cannot tell. */
export async function permission() {
  if (!navigator.geolocation) return "none";
  return navigator.permissions ? (await navigator.permissions.query({ name: "geolocation" })).state : "prompt";
}

/** The position now, or null: a photo without one is legal, a person then confirms the place. */
export const position = () => new Promise((done) => {
  if (!navigator.geolocation) return done(null);
  navigator.geolocation.getCurrentPosition((found) => done(point(found)), () => done(null),
    { enableHighAccuracy: true, maximumAge: FRESH_MS, timeout: WAIT_MS });
});

/** Tells every new position until the returned function is called; `refused` when the person does not want it. */
export function follow(tell, refused) {
  const watch = navigator.geolocation.watchPosition((found) => tell(point(found)), refused, { enableHighAccuracy: true, maximumAge: FRESH_MS });
  return () => navigator.geolocation.clearWatch(watch);
}
