// The live feed: one EventSource per browser (HTTP/1.1 allows six connections), shared through a lock and a channel where there are such;
// resumed behind the last cursor by the browser, begun anew on `resync`. Its state is what the live pill shows.
import { signal } from "./dom.js";

const STALE_MS = 32_000, LOST_MS = 10_000, RETRY_MS = 2_000, NAME = "cityloop.feed", EVENTS = ["fact", "gone", "presence", "ping", "resync"];
// mode: connecting | live | reconnecting | stale; behind: seconds from happening to here; heard: this machine's ms of the last sign of life
export const pill = signal({ mode: "connecting", behind: 0, heard: Date.now() });

// Follows the feed: `listeners.fact(frame, cursor)`, `.gone({case_id})` (the case left this person's scope), `.presence(data)`, `.resync()`, `.ping(data)`. Call it before fetching the snapshot,
// then `resume(cursor)` with the snapshot's X-Cursor: what comes between is told, and told twice is harmless (compare `sequence`).
export function follow(listeners) {
  const channel = globalThis.BroadcastChannel ? new BroadcastChannel(NAME) : null;
  const state = { heard: Date.now(), lost: 0, skew: 0, behind: 0, cursor: null, source: null, begun: false, met: false, ended: false, leads: !navigator.locks };
  const hear = (message) => {
    if (message.type === "hello") { if (state.source?.readyState === EventSource.OPEN) channel.postMessage({ type: "state", lost: state.lost, heard: state.heard }); return; }
    if (message.type === "state") { Object.assign(state, { lost: message.lost, heard: message.heard, met: true }); return; }
    heard(state, message);
    listeners[message.type]?.(message.data, message.cursor);
  };
  const tell = (message) => { hear(message); channel?.postMessage(message); };
  if (channel) channel.onmessage = (event) => hear(event.data);
  channel?.postMessage({ type: "hello" }); // who reads for all says how it stands
  const ends = new AbortController();
  if (navigator.locks && channel) lead(state, tell, ends.signal);
  else state.leads = true;
  const timer = setInterval(() => show(state, channel), 250);
  addEventListener("offline", () => { state.lost ||= Date.now(); }, { signal: ends.signal });
  addEventListener("online", () => { if (state.leads && state.begun) open(state, tell); }, { signal: ends.signal });
  return {
    resume(cursor) { state.begun = true; state.cursor = newer(state.cursor, cursor); if (state.leads) open(state, tell); },
    close() { state.ended = true; clearInterval(timer); ends.abort(); state.source?.close(); channel?.close(); },
  };
}

// Whoever holds the lock reads for all; when that page goes, the next one goes on behind what it has heard.
function lead(state, tell, ends) {
  navigator.locks.request(NAME, { signal: ends }, () => {
    state.leads = true;
    if (state.begun) open(state, tell);
    return new Promise((done) => { ends.addEventListener("abort", done); });
  }).catch((error) => { if (error.name !== "AbortError") throw error; });
}

function open(state, tell) {
  if (state.source && state.source.readyState !== EventSource.CLOSED) return;
  const source = new EventSource(`/api/v1/feed${state.cursor ? `?cursor=${encodeURIComponent(state.cursor)}` : ""}`);
  state.source = source;
  source.onopen = () => { Object.assign(state, { lost: 0, heard: Date.now(), met: true }); };
  source.onerror = () => {
    state.lost ||= Date.now();
    if (source.readyState === EventSource.CLOSED && !state.ended) setTimeout(() => open(state, tell), RETRY_MS * (1 + Math.random()));
  };
  for (const type of EVENTS) {
    source.addEventListener(type, (event) => {
      if (type === "resync") source.close();
      tell({ type, data: type === "resync" ? event.data : JSON.parse(event.data), cursor: event.lastEventId || null });
    });
  }
}

function heard(state, { type, data, cursor }) {
  Object.assign(state, { heard: Date.now(), lost: 0, met: true });
  if (type === "ping") state.skew = data.now - Date.now();
  if (type === "resync") { state.cursor = null; state.lost = Date.now(); return; }
  const at = cursor ?? data.cursor;
  if (at) state.cursor = newer(state.cursor, at);
  if (type === "fact" && cursor) state.behind = Math.max(0, Date.now() + state.skew - Number(cursor.split("-")[0])) / 1000;
}

const position = (cursor) => cursor.split("-").map(Number);
export function newer(one, other) {
  if (!one || !other) return one || other;
  const [[a, b = 0], [c, d = 0]] = [position(one), position(other)];
  return a > c || (a === c && b > d) ? one : other;
}

function show(state, channel) {
  const now = Date.now(), silent = now - state.heard > STALE_MS || (state.lost && now - state.lost > LOST_MS);
  const mode = silent ? "stale" : state.lost ? "reconnecting" : state.begun && state.met ? "live" : "connecting";
  const old = pill.peek();
  if (old.mode !== mode || old.behind !== state.behind || (mode === "stale" && old.heard !== state.heard)) {
    pill.value = { mode, behind: state.behind, heard: state.heard };
  }
  if (state.source && state.lost) channel?.postMessage({ type: "state", lost: state.lost, heard: state.heard });
}
