// The rows of the list: read page by page behind a cursor, kept right by the feed in place, never reordered under somebody's hand.
import { request } from "../lib/api.js";
import { batch, signal } from "../lib/dom.js";
import { follow } from "../lib/feed.js";
import { midnight } from "../case/days.js";
import { asked, parameters } from "./query.js";

export const PAGE = 50;
export const rows = signal([]), total = signal(null), next = signal(null), problem = signal(null), busy = signal(false), moved = signal(0);
export const current = signal(null), chosen = signal(new Set()); // case ids: a row keeps its mark wherever it stands

let turn = 0;

export const filters = () => parameters(asked.value, midnight);

/** Read the list anew, or its next page. */
export async function load({ more = false } = {}) {
  const mine = turn += 1;
  busy.value = true;
  try {
    const { data, headers } = await request("GET", "/cases", { params: { ...filters(), limit: PAGE, cursor: more ? next.value : undefined } });
    if (mine !== turn) return;
    batch(() => {
      rows.value = more ? [...rows.value, ...data.cases.filter((row) => !rows.value.some((old) => old.case_id === row.case_id))] : data.cases;
      [total.value, next.value, problem.value] = [data.total, data.next, null];
      if (!more) { moved.value = 0; chosen.value = new Set([...chosen.value].filter((id) => rows.value.some((row) => row.case_id === id))); }
    });
    if (!more) feed.resume(headers.get("X-Cursor"));
  } catch (error) {
    if (mine === turn) problem.value = error;
  } finally {
    if (mine === turn) busy.value = false;
  }
}

const FIELDS = ["state", "category", "severity", "unit", "count", "sequence"];

/** A fact changes the row that is shown; anything else only counts as news until somebody asks. */
function hear(frame) {
  const place = rows.value.findIndex((row) => row.case_id === frame.case_id);
  if (place < 0) { if (frame.fact === "opened") moved.value += 1; return; }
  const old = rows.value[place];
  if (frame.sequence <= old.sequence) return;
  const now = { ...old, ...Object.fromEntries(FIELDS.filter((name) => frame[name] !== undefined).map((name) => [name, frame[name]])), overdue: old.overdue || frame.fact === "overdue" };
  rows.value = rows.value.with(place, now);
}

const feed = follow({ fact: hear, resync: () => load() });

/** Put what a command answered into the row at once. */
export function settle(id, { state, sequence, revision }) {
  rows.value = rows.value.map((row) => row.case_id === id ? { ...row, state: state ?? row.state, sequence: sequence ?? row.sequence, revision: revision ?? row.revision } : row);
}

export function mark(id, on = !chosen.value.has(id)) {
  const now = new Set(chosen.value);
  if (on) now.add(id); else now.delete(id);
  chosen.value = now;
}

export const markAll = (on) => { chosen.value = on ? new Set(rows.value.map((row) => row.case_id)) : new Set(); };
