// What /field knows: who works here, their tasks as the console last said, what waits to be sent, and the two together as they stand for the person.
import { ApiError, query, session } from "../lib/api.js";
import { batch, computed, signal } from "../lib/dom.js";
import { useCatalogue } from "../lib/i18n.js";
import { setCityClock } from "../lib/time.js";
import { deliver, foreign, items, onChange } from "./outbox.js";
import { forget, keep, one } from "./store.js";

const LIMIT_MS = 20e3, UPLOAD_MS = 120e3, EVERY_MS = 60e3, SOON_MS = 3e3, KEPT = ["person", "tasks", "catalogue", "clock"];
// What a command that was not answered yet leads to: the state the person sees, and what they may already do next. The console has the last word.
const LEADS = {
  accept: { state: "handling", then: ["report_handled", "return", "request_extension"] }, return: { over: true }, report_handled: { state: "checking", over: true },
  request_extension: {}, request_suspension: {}, found: { over: true }, not_found: { over: true }, pass_check: { over: true }, fail_check: { over: true }, note: {},
};
const NEEDS = { report_handled: ["evidence_or_handed_on"], return: ["reason"], request_extension: ["extensions_left"] };

export const person = signal(null), tasks = signal(null), toldAt = signal(0), box = signal([]), others = signal(0);
export const online = signal(navigator.onLine), trouble = signal(null), signedOut = signal(false), busy = signal(false), newShell = signal(false);

/** The tasks with what was decided since: {…task, pending: item|null, refused: item|null}; over ones leave the list once nothing is wrong with them. */
export const mine = computed(() => (tasks.value ?? []).map(stand).filter((task) => !task.over).sort(byDue));
export const unsent = computed(() => box.value.filter((item) => item.state !== "sent"));

const byDue = (one, other) => due(one) - due(other);
const due = (task) => task.due_at ? Date.parse(task.due_at) : Infinity;

function stand(task) {
  const given = box.value.filter((item) => item.case_id === task.case_id && (item.state !== "sent" || item.outcome?.sequence > task.sequence));
  const refused = given.find((item) => item.state === "refused") ?? null, counted = refused ? [] : given;
  const moved = counted.reduce((now, item) => {
    const { state = now.state, then, over = now.over } = LEADS[item.type] ?? {};
    const actions = then ? then.map((command) => ({ command, needs: NEEDS[command] ?? [], reason_required: command === "return" })) : now.actions.filter((action) => action.command !== item.type);
    return { ...now, state, over, actions };
  }, { ...task, over: false });
  return { ...moved, over: moved.over && counted.every((item) => item.state === "sent"), done: moved.over, pending: counted.findLast((item) => item.state === "waiting") ?? null, refused };
}

async function reread() {
  if (!person.value) return;
  const [all, foreigners] = [await items(person.value.id), await foreign(person.value.id)];
  batch(() => { box.value = all; others.value = foreigners; });
}

/** Like lib/api.js, but a lost session never leaves the page: what was typed here may exist nowhere else. Throws TypeError when nobody answers. */
async function call(method, path, { body, headers = {}, params, limit = LIMIT_MS } = {}) {
  const form = body instanceof FormData, known = session.value?.csrf && method !== "GET" ? { "X-CSRF-Token": session.value.csrf } : {};
  const told = body === undefined || form ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(`/api/v1${path}${query(params)}`, {
    method, headers: { Accept: "application/json", ...told, ...known, ...headers }, cache: "no-store", signal: AbortSignal.timeout(limit),
    body: body === undefined ? undefined : form ? body : JSON.stringify(body),
  }).catch((error) => { throw new TypeError(error.message); });
  const text = await answer.text().catch((error) => { throw new TypeError(error.message); });
  const json = /json/.test(answer.headers.get("Content-Type") ?? "");
  return { status: answer.status, body: json && text ? JSON.parse(text) : null, after_s: Number(answer.headers.get("Retry-After")) || null };
}

async function get(path, params) {
  const { status, body } = await call("GET", path, { params });
  if (status >= 400) throw new ApiError(status, body ?? {});
  return body;
}

const calls = {
  upload(photo, item) {
    const form = new FormData();
    form.append("file", photo.blob, photo.blob.name ?? "photo.jpg");
    const said = { case_id: item.case_id, captured_at: photo.captured_at, lon: photo.lon, lat: photo.lat };
    Object.entries(said).filter(([, value]) => value !== null && value !== undefined).forEach(([name, value]) => form.append(name, value));
    return call("POST", "/evidence", { body: form, limit: UPLOAD_MS });
  },
  async command(item, evidence) {
    const shown = evidence.map(({ sha256, url, media_type, captured_at, lon, lat }) => ({ sha256, url, media_type, captured_at, lon, lat }));
    const body = { ...item.body, type: item.type, ...(shown.length ? { evidence: shown } : {}) };
    return call("POST", `/cases/${encodeURIComponent(item.case_id)}/commands`, { body, headers: { "Idempotency-Key": item.id } });
  },
};

/** Everything known from before, at once: the page shows it while it asks. */
export async function recall() {
  const [who, list, names, time] = await Promise.all(KEPT.map((name) => one("kept", name)));
  if (names) useCatalogue(names.value);
  if (time) setCityClock(Date.parse(time.value.now) + (Date.now() - time.at) * time.value.speed, time.value.speed);
  batch(() => { person.value = who?.value ?? null; tasks.value = list?.value ?? null; toldAt.value = list?.at ?? 0; });
  await reread();
  return Boolean(who && names);
}

let running = null;

/** Send what waits, then read the tasks anew; at most one at a time. */
export const refresh = () => running ??= work().finally(() => { running = null; });

async function work() {
  busy.value = true;
  try {
    await meet();
    const end = await deliver(person.value.id, calls);
    if (end === "signed out") { signedOut.value = true; return; }
    await learn();
    if (end === "later") setTimeout(refresh, SOON_MS);
    batch(() => { online.value = true; trouble.value = null; });
  } catch (error) {
    if (error instanceof TypeError) online.value = false;
    else if (error instanceof ApiError && error.status === 401) signedOut.value = true;
    else if (error instanceof ApiError) trouble.value = error;
    else throw error;
  } finally {
    busy.value = false;
  }
}

/** Who is signed in now. Another person than before gets nothing of what the first one saw. */
async function meet() {
  const found = await get("/session");
  session.value = found;
  signedOut.value = false;
  if (person.value && person.value.id !== found.person.id) {
    await forget();
    navigator.serviceWorker?.controller?.postMessage("forget");
    tasks.value = null;
  }
  person.value = found.person;
  await keep("person", found.person);
  await reread();
}

async function learn() {
  const [names, told, { now, speed }] = await Promise.all([get("/catalogue"), get("/tasks"), get("/audit")]);
  useCatalogue(names);
  setCityClock(now, speed);
  await keep("clock", { now, speed });
  await keep("catalogue", names);
  await keep("tasks", told.tasks);
  batch(() => { tasks.value = told.tasks; toldAt.value = Date.now(); });
}

/** From now on: whenever the network or the person comes back, and every minute. */
export function attend() {
  onChange(reread);
  addEventListener("online", () => { online.value = true; refresh(); });
  addEventListener("offline", () => { online.value = false; });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  setInterval(() => { if (!document.hidden) refresh(); }, EVERY_MS);
}

/** The service worker that keeps the page; without one (no https) the page works, but opens only with a network. */
export async function install() {
  if (!navigator.serviceWorker) return;
  navigator.serviceWorker.addEventListener("message", (event) => { if (event.data === "new shell") newShell.value = true; });
  await navigator.serviceWorker.register("/field-worker.js", { scope: "/field" });
  navigator.serviceWorker.controller?.postMessage("renew");
  navigator.storage?.persist?.();
}

export async function leave() {
  await call("DELETE", "/session").catch(() => {});
  await forget();
  navigator.serviceWorker?.controller?.postMessage("forget");
  location.assign("/login?next=/field");
}
