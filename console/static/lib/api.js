// The API as functions: JSON in and out, CSRF, idempotency keys, time limits, and problem+json as one typed error.
import { signal } from "./dom.js";

const BASE = "/api/v1", LIMIT_MS = 15_000;
export const session = signal(null); // {person, csrf}

// What went wrong. `status` 0: nobody answered (no network, or too late). `title`, `detail` are for people; the rest as the server said it.
export class ApiError extends Error {
  constructor(status, problem = {}, retryAfter = null) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    Object.assign(this, { status, problem, type: problem.type ?? "", title: problem.title ?? "", detail: problem.detail ?? "", retryAfter });
  }

  get isAway() { return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504; }
  get isConflict() { return this.status === 409 || this.status === 412; }
}

export const newKey = () => globalThis.crypto?.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${Math.random().toString(36).slice(2)}`;

// `query({tab: "to_file", district: ["a", "b"], q: ""})` → "?tab=to_file&district=a&district=b"; empty values are left out.
export function query(parameters = {}) {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const said = new URLSearchParams(pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)).toString();
  return said && `?${said}`;
}

// One request. Returns {data, headers, status}; throws ApiError. `signal` ends it early, `keepalive` lets it outlive the page.
export async function request(method, path, { params, body, headers = {}, signal: ends, limit = LIMIT_MS, keepalive = false } = {}) {
  const wanted = { Accept: "application/json", ...headers };
  const form = body instanceof FormData;
  if (body !== undefined && !form) wanted["Content-Type"] = "application/json";
  if (method !== "GET" && session.value?.csrf) wanted["X-CSRF-Token"] = session.value.csrf;
  const timer = AbortSignal.timeout(limit), until = ends ? AbortSignal.any([ends, timer]) : timer;
  let answer;
  try {
    answer = await fetch(BASE + path + query(params), {
      method, headers: wanted, signal: until, keepalive, cache: "no-store", credentials: "same-origin",
      body: body === undefined ? undefined : form ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (ends?.aborted) throw error;
    throw new ApiError(0, { type: timer.aborted ? "too_late" : "no_network" });
  }
  return understood(answer);
}

async function understood(answer) {
  const text = await answer.text().catch(() => { throw new ApiError(0, { type: "no_network" }); });
  const json = /json/.test(answer.headers.get("Content-Type") ?? "");
  const data = json && text ? JSON.parse(text) : text || null;
  if (answer.ok) return { data, headers: answer.headers, status: answer.status };
  if (answer.status === 401 && session.value) signIn();
  throw new ApiError(answer.status, json ? data : {}, Number(answer.headers.get("Retry-After")) || null);
}

export const get = async (path, params, options) => (await request("GET", path, { params, ...options })).data;
export const post = async (path, body, options) => (await request("POST", path, { body, ...options })).data;
export const remove = async (path, options) => (await request("DELETE", path, options)).data;

// The person who is signed in, or the way to the sign-in page and back.
export async function loadSession() {
  try {
    session.value = await get("/session");
  } catch (error) {
    if (error.status !== 401) throw error;
    signIn();
    await new Promise(() => {}); // the page is leaving
  }
  return session.value;
}

export function signIn() {
  const here = location.pathname + location.search + location.hash;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

export async function signOut() {
  await remove("/session").catch(() => {});
  session.value = null;
  location.assign("/login");
}

// A command of the signed-in person on a case. `key` makes sending it twice harmless: keep it for a retry. A 202 is asked after until
// somebody answers. Returns {command_id, state, sequence, revision}; a refusal is an ApiError with `problem.changed {fact, actor, at}`.
export async function command(caseId, body, { key = newKey(), revision = null, keepalive = false } = {}) {
  const headers = { "Idempotency-Key": key, ...(revision === null ? {} : { "If-Match": `"${revision}"` }) };
  const answer = await request("POST", `/cases/${encodeURIComponent(caseId)}/commands`, { body, headers, keepalive });
  return answer.status === 202 ? outcomeOf(answer.data?.command_id ?? key) : answer.data;
}

async function outcomeOf(id, tries = 20) {
  for (let left = tries; left > 0; left -= 1) {
    await new Promise((next) => { setTimeout(next, 500); });
    const answer = await request("GET", `/commands/${encodeURIComponent(id)}`);
    if (answer.status === 200) return answer.data;
  }
  throw new ApiError(0, { type: "too_late" });
}
