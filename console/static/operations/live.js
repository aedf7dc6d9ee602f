// How the page stays true: the snapshot, then the feed behind it, taken in four times a second; a resync begins anew.
import { get, request } from "../lib/api.js";
import { effect, signal } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { announce } from "../lib/ui.js";
import { t } from "../lib/i18n.js";
import { play } from "../lib/sound.js";
import { cityNow } from "../lib/time.js";
import { arrivals, asked, compare, filters, fresh, inTab, isOpen, isPaused, points, presence, queue, rows, sortOf } from "./state.js";

const PAGE = 100, BATCH_MS = 250, MAP_MS = 600, FLASH_MS = 2500, GATHER_MS = 120, MOST_ASKED = 50, LIFTABLE = ["waiting", "storm", "refused_before"]; // held cases that a person may lift
export const mapChanges = signal({ all: true, put: [], drop: [] });
export const trouble = signal(null);
export const complete = signal(true); // false: more cases than the map takes; the newest are shown
const untold = new Map(); // id → point, or null where the case has gone
const held = new Map(); // rows that wait while the list stands still
let feed, waiting = new Map(), wanted = new Set(), sequences = new Map(), loads = 0, mapLoads = 0, counted = { opened: 0, closed: 0 };

const pointOf = ([id, lon, lat, category, state, severity, due, overdue, opened = null, district = null]) => ({ id, lon, lat, category, state, severity, due, overdue, opened, district });

export async function begin() {
  feed = follow({ fact: (frame) => waiting.set(`${frame.case_id} ${frame.sequence}`, frame), gone: ({ case_id: id }) => leave([id]), resync: () => setTimeout(reload, 300 * Math.random()), presence: met });
  setInterval(takeIn, BATCH_MS);
  setInterval(tellMap, MAP_MS);
  setInterval(() => { for (const [id, all] of presence.value) if (all.every((one) => Date.parse(one.until) < Date.now())) met({ case_id: id, person: null }); }, 10_000);
  setInterval(() => { if (counted.opened + counted.closed) announce(t("said", { n: counted.opened, m: counted.closed })); counted = { opened: 0, closed: 0 }; }, 10_000);
  effect(() => { isPaused.value; if (!isPaused.value && arrivals.value.size) release(); });
  let last = "", lastMap = "";
  effect(() => {
    const [forQueue, forMap] = [true, false].map((which) => JSON.stringify(asked(filters.value, { forQueue: which })));
    if (forMap !== lastMap) loadMap();
    if (forQueue !== last) loadQueue();
    [last, lastMap] = [forQueue, forMap];
  });
}

const reload = () => Promise.all([loadMap(), loadQueue()]);

export async function loadMap() {
  const mine = mapLoads += 1;
  try {
    const params = asked(filters.value, { forQueue: false }), [{ data, headers }, held_] = await Promise.all([
      request("GET", "/map", { params }), get("/map", { ...params, status: "held", tab: "to_file" })]); // of the held ones those that a person may lift
    if (mine !== mapLoads) return;
    points.value = new Map([...data.points, ...held_.points].map((one) => [one[0], pointOf(one)]));
    complete.value = data.complete;
    untold.clear();
    mapChanges.value = { all: true, put: [], drop: [] };
    trouble.value = null;
    feed.resume(headers.get("X-Cursor"));
  } catch (error) {
    if (mine !== mapLoads) return;
    trouble.value = error;
    setTimeout(() => { if (mine === mapLoads) loadMap(); }, 3000 + 2000 * Math.random());
  }
}

export async function loadQueue() {
  const mine = loads += 1;
  queue.value = { ...queue.value, loading: true, error: null };
  try {
    const found = await get("/cases", { ...asked(filters.value, { forQueue: true }), limit: PAGE });
    if (mine !== loads) return;
    held.clear();
    arrivals.value = new Set();
    rows.value = found.cases;
    queue.value = { next: found.next, total: found.total, loading: false, error: null };
  } catch (error) {
    if (mine === loads) queue.value = { ...queue.value, loading: false, error };
  }
}

export async function loadMore() {
  if (queue.value.loading || !queue.value.next) return;
  const mine = loads;
  queue.value = { ...queue.value, loading: true };
  try {
    const found = await get("/cases", { ...asked(filters.value, { forQueue: true }), limit: PAGE, cursor: queue.value.next });
    if (mine !== loads) return;
    const known = new Set(rows.value.map((row) => row.case_id));
    rows.value = [...rows.value, ...found.cases.filter((row) => !known.has(row.case_id))];
    queue.value = { next: found.next, total: found.total, loading: false, error: null };
  } catch (error) {
    if (mine === loads) queue.value = { ...queue.value, loading: false, error };
  }
}

// The frames since the last time, the newest of each case once.
function takeIn() {
  if (!waiting.size) return;
  const newest = new Map();
  for (const frame of waiting.values()) {
    if (frame.fact in counted) counted[frame.fact] += 1;
    if (frame.sequence <= (sequences.get(frame.case_id) ?? 0)) continue;
    sequences.set(frame.case_id, frame.sequence);
    newest.set(frame.case_id, frame);
  }
  waiting = new Map();
  if (sequences.size > 50_000) sequences = new Map([...sequences].slice(-20_000));
  if (newest.size) move([...newest.values()]);
}

function move(frames) {
  const known = new Map(points.value), put = [], drop = [];
  for (const frame of frames) {
    const before = known.get(frame.case_id);
    if (!before && !fits(frame)) continue;
    if (!isOpen(frame.state)) { if (known.delete(frame.case_id)) drop.push(frame.case_id); continue; }
    if (frame.state === "held" && !LIFTABLE.includes(frame.held_because)) continue;
    const point = { opened: before?.opened ?? Date.parse(frame.at), ...before, id: frame.case_id, lon: frame.lon, lat: frame.lat, category: frame.category,
      state: frame.state, severity: frame.severity, district: frame.district, overdue: frame.overdue, due: frame.due_at && Date.parse(frame.due_at) };
    known.set(point.id, point);
    put.push(point);
    if (!before && frame.fact === "opened") play(frame.severity);
  }
  points.value = known;
  gather(put, drop);
  moveRows(frames);
}

// What the map has yet to be told: it is dear to tell it, so rarely and all at once.
function gather(put, drop) {
  for (const id of drop) untold.set(id, null);
  for (const point of put) untold.set(point.id, point);
}

function tellMap() {
  if (!untold.size) return;
  mapChanges.value = { all: false, put: [...untold.values()].filter(Boolean), drop: [...untold.keys()].filter((id) => !untold.get(id)) };
  untold.clear();
}

// Cases that are no longer this person's to see.
function leave(ids) {
  points.value = new Map([...points.value].filter(([id]) => !ids.includes(id)));
  gather([], ids);
  rows.value = settled(rows.value.map((row) => ids.includes(row.case_id) ? { ...row, left: true } : row));
}

// Filters that only the server can decide on; what they let through of new cases is asked.
const needsServer = (found) => Boolean(found.q || found.unit.length || found.channel.length);
function fits(frame) {
  const found = filters.value, let_ = (name, value) => !found[name].length || found[name].includes(value);
  return !needsServer(found) && let_("district", frame.district) && let_("category", frame.category) && let_("severity", frame.severity) && (!found.overdue || frame.overdue);
}

function moveRows(frames) {
  const loaded = new Map(rows.value.map((row) => [row.case_id, row]));
  let changed = false;
  for (const frame of frames) {
    const row = loaded.get(frame.case_id), here = belongs(frame);
    if (row) {
      changed = true;
      loaded.set(frame.case_id, { ...row, ...only(frame), left: !here });
      if (here && row.state !== frame.state) want(frame.case_id); // due times moved with the state
    } else if (here && isNear(points.value.get(frame.case_id))) want(frame.case_id);
  }
  if (changed) rows.value = settled([...loaded.values()]);
}

// Whether a case stands among the rows that are loaded, by what its point tells of it.
function isNear({ id, opened, due, severity }) {
  const last = rows.value.at(-1), iso = (moment) => moment ? new Date(moment).toISOString() : null;
  return !queue.value.next || !last || compare(sortOf(filters.value))({ case_id: id, opened_at: iso(opened), due_at: iso(due), severity }, last) <= 0;
}

const only = (frame) => Object.fromEntries(["state", "severity", "category", "unit", "count", "district", "sequence", "revision", "due_at", "overdue"].filter((name) => frame[name] !== undefined).map((name) => [name, frame[name]]));
function belongs(frame) {
  const point = points.value.get(frame.case_id);
  return Boolean(point) && inTab(filters.value.tab, point);
}
// While the list stands still what left it stays, dimmed, so that nothing moves under the hand.
const settled = (all) => isPaused.value ? all : all.filter((row) => !row.left);

function want(id) {
  if (!wanted.size) setTimeout(askFor, GATHER_MS * (1 + Math.random()));
  wanted.add(id);
}

// The rows that the feed named and the page does not have; how many fit on a screen, the rest comes when the list is read anew.
async function askFor() {
  const ids = [...wanted].slice(-MOST_ASKED), mine = loads;
  wanted = new Set();
  try {
    const found = await get("/cases", { ...asked(filters.value, { forQueue: true }), id: ids, limit: ids.length });
    if (mine === loads) arrive(found.cases);
  } catch { /* the pill says that the server is away; a resync brings all */ }
}

const pointOfRow = (row) => ({ id: row.case_id, lon: row.lon, lat: row.lat, category: row.category, state: row.state, severity: row.severity, due: row.due_at && Date.parse(row.due_at), overdue: row.overdue,
  opened: Date.parse(row.opened_at), district: row.district });

function arrive(found) {
  const unseen = found.filter((row) => !points.value.has(row.case_id)).map(pointOfRow);
  if (unseen.length) {
    points.value = new Map([...points.value, ...unseen.map((point) => [point.id, point])]);
    gather(unseen, []);
  }
  const loaded = new Map(rows.value.map((row) => [row.case_id, row])), order = compare(sortOf(filters.value)), last = rows.value.at(-1);
  const old = found.filter((row) => loaded.has(row.case_id)), added = found.filter((row) => !loaded.has(row.case_id));
  for (const row of old) if (row.sequence >= loaded.get(row.case_id).sequence) loaded.set(row.case_id, row); // the feed may have been faster
  const near = added.filter((row) => !queue.value.next || !last || order(row, last) <= 0);
  queue.value = { ...queue.value, total: queue.value.total + added.length };
  if (isPaused.value) {
    rows.value = [...loaded.values()];
    for (const row of near) held.set(row.case_id, row);
    arrivals.value = new Set(held.keys());
    return;
  }
  put([...loaded.values()], near);
}

// What waited while the list stood still comes in, and what left it goes.
export function release() {
  const waiting_ = [...held.values()];
  held.clear();
  arrivals.value = new Set();
  put(rows.value, waiting_);
}

function put(loaded, added) {
  const known = new Set(loaded.map((row) => row.case_id)), order = compare(sortOf(filters.value));
  rows.value = [...loaded.filter((row) => !row.left), ...added.filter((row) => !known.has(row.case_id) && belongs(row))].sort(order);
  if (!added.length) return;
  fresh.value = new Set([...fresh.value, ...added.map((row) => row.case_id)]);
  setTimeout(() => { fresh.value = new Set([...fresh.value].filter((id) => !added.some((row) => row.case_id === id))); }, FLASH_MS);
}

// A row that the page has just changed itself: at once, without waiting for the feed to say it.
export function foresee(id, changes) {
  rows.value = rows.value.map((row) => row.case_id === id ? { ...row, ...changes } : row);
}

function met({ case_id: id, person, ...rest }) {
  const others = (presence.value.get(id) ?? []).filter((one) => one.person !== person && Date.parse(one.until) > Date.now());
  const all = person && rest.doing !== "left" ? [...others, { person, ...rest }] : others, next = new Map(presence.value);
  if (all.length) next.set(id, all); else next.delete(id);
  presence.value = next;
}

export const arrivedWithin = (ms) => [...points.value.values()].filter((point) => point.opened && cityNow() - point.opened < ms).length;
