// One call: what was said so far, its likely duplicates, and what becomes of it. The caller's name and number are never kept in this browser.
import { ApiError, command, get, newKey, post, session } from "../lib/api.js";
import { batch, effect, signal } from "../lib/dom.js";
import { catalogue, hasWord, t } from "../lib/i18n.js";
import { cityNow } from "../lib/time.js";

const WAIT_MS = 400, LOOK_MS = 600, LOOKS = 25, DRAFT = "cityloop.draft call", PERSONAL = new Set(["name", "phone"]), LAST = 8;
export const EMPTY = { category: "", severity: "", words: "", point: null, address: "", part: "", name: "", phone: "", number: "" };

const draft = () => { try { return { ...EMPTY, ...JSON.parse(sessionStorage.getItem(DRAFT)) }; } catch { return EMPTY; } };
export const call = signal(draft()), same = signal(null), similar = signal([]), looking = signal(false), wrong = signal(""), busy = signal(false), taken = signal([]);

export function set(changes) {
  call.value = { ...call.value, ...changes };
  wrong.value = "";
  const kept = Object.fromEntries(Object.entries(call.value).filter(([name]) => !PERSONAL.has(name)));
  try { sessionStorage.setItem(DRAFT, JSON.stringify(kept)); } catch { /* a private window keeps nothing */ }
}

export function clear() {
  batch(() => { call.value = EMPTY; same.value = null; similar.value = []; wrong.value = ""; });
  sessionStorage.removeItem(DRAFT);
}

export const severityOf = ({ severity, category }) => severity || catalogue.categories[category]?.severity || "normal";

/** What is still needed before it can be taken: names of fields. */
export const lacks = ({ category, words, point, address, part }) => [!category && "category", !words.trim() && "words", !point && !address.trim() && !part.trim() && "place"].filter(Boolean);

let timer = null, turn = 0;

/** Looks for the same thing as soon as there is a category and a point, a moment after the last key. */
export const watch = () => effect(() => {
  const { category, point, words } = call.value;
  clearTimeout(timer);
  turn += 1;
  if (!category || !point) { similar.value = []; return; }
  const mine = turn;
  timer = setTimeout(async () => {
    looking.value = true;
    try {
      const told = await get("/similar", { category, lon: point.lon, lat: point.lat, text: words.trim().slice(0, 500) });
      if (mine === turn) similar.value = told.similar;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // without suggestions the call is taken all the same
    } finally {
      if (mine === turn) looking.value = false;
    }
  }, WAIT_MS);
});

function report({ category, words, point, address, part, name, phone, number, ...rest }, id, time) {
  const location = { ...(point ? point : {}), ...(address.trim() ? { address: address.trim() } : {}) };
  const reporter = { ...(name.trim() ? { name: name.trim() } : {}), ...(phone.trim() ? { phone: phone.trim() } : {}) };
  const data = { category, channel: "hotline", severity: severityOf({ category, ...rest }), description: words.trim(),
    ...(Object.keys(location).length ? { location } : {}), ...(part.trim() ? { part_id: part.trim() } : {}),
    ...(Object.keys(reporter).length ? { reporter } : {}), ...(number.trim() ? { external: { system: "12345", number: number.trim() } } : {}) };
  return { specversion: "1.0", id, source: `/hotline/${session.value.person.id}`, type: "city.incident.reported.v1", time, datacontenttype: "application/json", data };
}

/** Why the report was not taken: by its reason where a caller's words can mend it, else as the console says it. */
function why(error) {
  const first = error.problem?.errors?.[0], key = `refused.${first?.reason}`;
  return hasWord(key) ? t(key) : first?.detail ?? (error.detail || error.title || t(error.isAway ? "trouble.away" : "trouble.other"));
}

let pending = null; // {id, time} of a call whose answer was lost: sending it again opens nothing twice

/** Take the call: a report, then (if it is the same thing) its case merged into the other one. */
export async function take() {
  const said = call.value, into = same.value;
  busy.value = true;
  pending ??= { id: newKey(), time: new Date(cityNow()).toISOString() };
  const event = report(said, pending.id, pending.time);
  try {
    await post("/events", event);
  } catch (error) {
    if (!error.isAway) pending = null;
    batch(() => { busy.value = false; wrong.value = why(error); });
    return false;
  }
  pending = null;
  const entry = { key: event.id, category: said.category, severity: event.data.severity, address: said.address, at: event.time, into, case_id: null, state: null, trouble: "" };
  batch(() => { taken.value = [entry, ...taken.value].slice(0, LAST); busy.value = false; });
  clear();
  settle(event, entry);
  return true;
}

const tell = (entry, changes) => { taken.value = taken.value.map((one) => one.key === entry.key ? { ...one, ...changes } : one); };

/** Follows the report until it has a case; then gives that to the other one, if it is the same thing. */
async function settle(event, entry) {
  const found = await story(event);
  if (!found) { tell(entry, { trouble: "late" }); return; }
  tell(entry, { case_id: found.case_id, state: found.case_state, verdict: found.verdict });
  if (!entry.into || entry.into === found.case_id) return;
  try {
    const done = await command(found.case_id, { type: "merge", into: entry.into }, { key: `${entry.key}-merge` });
    tell(entry, { state: done.state, merged: true });
  } catch (error) {
    tell(entry, { trouble: error.problem?.reason ?? error.detail ?? error.title });
  }
}

async function story({ source, id, time }) {
  for (let left = LOOKS; left > 0; left -= 1) {
    const told = await get("/explain", { source, id, time }).catch((error) => { if (error.status === 404 || error.isAway) return null; throw error; });
    const found = told?.reports.find((one) => one.case_id && one.case_state);
    if (found) return found;
    await new Promise((next) => { setTimeout(next, LOOK_MS); });
  }
  return null;
}
