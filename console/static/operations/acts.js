// Commands given from this page: each waits ten seconds in which it can be taken back (an emergency's goes at once), then is sent under one
// idempotency key. A refusal says who changed what, and opens the dialog again with everything that was typed.
import { ApiError, command as send, newKey, request } from "../lib/api.js";
import { signal } from "../lib/dom.js";
import { catalogue, t, word } from "../lib/i18n.js";
import { toast } from "../lib/ui.js";
import { argumentsOf, asksNothing } from "../case/forms.js";
import { filters, marked, rows } from "./state.js";

const UNDO_MS = 10_000, SHOWN_MS = 8_000;
export const asking = signal(null); // the open dialog: {rows, action, values, conflict}
export const pending = signal(new Map()); // case id → what is on its way, in words
export const outcomes = signal(new Map()); // case id → {ok, says}: what came of it, per row
export const settled = signal({ id: null, at: 0 }); // the last case that a command of ours moved
const waiting = new Set();

const put = (signal_, ids, value) => {
  const next = new Map(signal_.value);
  for (const id of ids) { if (value === null) next.delete(id); else next.set(id, value); }
  signal_.value = next;
};

// What can be given to several rows at once, by where they stand; the console decides for each.
const BULK = { to_file: ["file", "verify", "not_file"], to_dispatch: ["dispatch"], to_close: ["close"], overdue: ["supervise"], handling: ["remind"] };
export const bulk = () => (BULK[filters.value.tab] ?? ["note"]).map((name) => ({
  command: name, act: () => ask(rows.value.filter((row) => marked.value.has(row.case_id)), { command: name, needs: [], reason_required: name === "not_file" }),
}));

// Asks for what the command needs, or gives it at once where it needs nothing.
export function ask(chosen, action, { values = {}, conflict = null, straight = false } = {}) {
  if (!chosen.length) return;
  if (straight || asksNothing(action)) give(chosen, action, values);
  else asking.value = { rows: chosen, action, values: { ...foreseen(chosen, action), ...values }, conflict };
}

// What most people would choose: the office of the category's kind in the case's district.
function foreseen(chosen, { command: name }) {
  const offices = new Set(chosen.map((row) => `${catalogue.categories[row.category]?.lead}-${row.district}`)), [office] = offices;
  return name === "dispatch" && offices.size === 1 && catalogue.units[office] ? { unit: office } : {};
}

// Holds the command of these rows for the time in which it can be taken back, then sends it.
export function give(chosen, action, values) {
  const ids = chosen.map((row) => row.case_id), says = word("command", action.command);
  for (const order of [...waiting]) if (order.chosen.some((row) => ids.includes(row.case_id))) order.go();
  const order = { chosen, action, values, keys: new Map(ids.map((id) => [id, newKey()])) };
  asking.value = null;
  marked.value = new Set([...marked.value].filter((id) => !ids.includes(id)));
  put(outcomes, ids, null);
  if (chosen.some((row) => row.severity === "emergency")) { carryOut(order); return; }
  put(pending, ids, t("pending", { what: says }));
  const end = () => { clearTimeout(timer); away(); waiting.delete(order); };
  const timer = setTimeout(() => order.go(), UNDO_MS);
  const away = toast({ text: ids.length > 1 ? t("holding.many", { what: says, n: ids.length }) : t("holding", { what: says, id: ids[0] }), ms: UNDO_MS,
    action: { label: t("undo"), act: () => order.undo() } });
  order.undo = () => { end(); put(pending, ids, null); toast({ text: t("undone", { what: says }), ms: 3000 }); };
  order.go = () => { end(); return carryOut(order); };
  waiting.add(order);
}

export const takeBack = () => [...waiting].at(-1)?.undo();

// Sends what is held now: before another command on the case, and when the page goes.
export const flush = () => Promise.all([...waiting].map((order) => order.go()));
addEventListener("pagehide", () => { for (const order of [...waiting]) { order.keepalive = true; order.go(); } });

async function carryOut(order) {
  const ids = order.chosen.map((row) => row.case_id);
  put(pending, ids, t("sending"));
  const evidence = await uploaded(order).catch((error) => error);
  const results = evidence instanceof ApiError ? order.chosen.map((row) => [row, evidence]) : [];
  for (const row of results.length ? [] : order.chosen) results.push([row, await one(order, row, evidence)]);
  put(pending, ids, null);
  for (const [row, error] of results) {
    put(outcomes, [row.case_id], error ? { ok: false, says: t("outcome.bad") } : { ok: true, says: t("outcome.good", { what: word("command", order.action.command) }) });
    if (!error) setTimeout(() => put(outcomes, [row.case_id], null), SHOWN_MS);
  }
  report(order, results);
}

async function one({ action, values, keys, keepalive }, row, evidence) {
  try {
    const body = { type: action.command, ...argumentsOf(values), ...(evidence.length ? { evidence } : {}) };
    await send(row.case_id, body, { key: keys.get(row.case_id), revision: row.revision, keepalive });
    settled.value = { id: row.case_id, at: performance.now() };
    return null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error;
  }
}

async function uploaded({ values }) {
  const sent = [];
  for (const photo of values.evidence ?? []) {
    const form = new FormData();
    form.append("file", photo.blob);
    for (const name of ["lon", "lat", "captured_at"]) if (photo[name] !== undefined && photo[name] !== null) form.append(name, photo[name]);
    const { data } = await request("POST", "/evidence", { body: form, limit: 60_000 });
    sent.push({ sha256: data.sha256, url: data.url, media_type: data.media_type, captured_at: data.captured_at, lon: data.lon, lat: data.lat });
  }
  return sent;
}

function report(order, results) {
  const bad = results.filter(([, error]) => error), says = word("command", order.action.command);
  if (!bad.length) return;
  const again = (chosen) => { const retry = { ...order, chosen }; carryOut(retry); };
  const [row, error] = bad[0];
  if (results.length === 1 && error.isConflict) {
    asking.value = { rows: [{ ...row, revision: error.problem.revision ?? row.revision }], action: order.action, values: order.values, conflict: error.problem };
    settled.value = { id: row.case_id, at: performance.now() };
    return;
  }
  const failed = bad.filter(([, each]) => each.isAway).map(([each]) => each);
  toast({ kind: "bad", ms: 0, text: results.length > 1 ? t("outcome.some", { what: says, good: results.length - bad.length, n: bad.length }) : t("outcome.failed", { what: says }),
    detail: error.isAway ? t("trouble.away") : reasonOf(error.problem), action: failed.length ? { label: t("retry"), act: () => again(failed) } : null });
}

export const reasonOf = (problem) => problem.reason ?? problem.detail ?? problem.title ?? "";
