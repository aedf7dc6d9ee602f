// What a person decided on the street waits here until the console has answered: commands in the order they were given, per case, with their photos.
// Each keeps the id it was given with, so that a second sending moves nothing twice. One that is refused holds back what follows on its case, until
// the person sends it again or drops it: what they decided afterwards rested on it. Nothing of another person who used this phone is ever sent.
import { newKey } from "../lib/api.js";
import { change, every, one } from "./store.js";

const KEPT_SENT = 20, HOUR_MS = 3600e3, SENT_FOR_MS = 24 * HOUR_MS, LOCK = "cityloop-field-outbox";
const RETRY_MS = [2e3, 5e3, 15e3, 60e3];
const LATER = new Set([202, 408, 425, 429]);

const news = new BroadcastChannel(LOCK), listeners = new Set();
news.onmessage = () => listeners.forEach((tell) => tell());

/** Call `tell` whenever an item changes, in this tab or another one. */
export const onChange = (tell) => listeners.add(tell);

function changed() {
  listeners.forEach((tell) => tell());
  news.postMessage("changed");
}

/** Keep a command: {id, person, case_id, type, title, body, photos: [{id, blob, captured_at, lon, lat}]}. Resolves when it cannot be lost. */
export async function put({ photos = [], ...item }) {
  const whole = { ...item, photos: photos.map((photo) => photo.id), state: "waiting", tries: 0, created_at: Date.now() };
  await change(["outbox", "photos"], (stores) => {
    stores.outbox.add(whole);
    photos.forEach((photo) => stores.photos.put(photo));
  });
  changed();
}

/** The person's items, oldest first; `behind` says that an earlier one of its case must go first. */
export async function items(person) {
  const held = new Set();
  return (await every("outbox")).filter((item) => item.person === person).map((item) => {
    const behind = item.state === "waiting" && held.has(item.case_id);
    if (item.state !== "sent") held.add(item.case_id);
    return { ...item, behind };
  });
}

/** How many items of anybody else wait on this phone: said, never sent. */
export const foreign = async (person) => (await every("outbox")).filter((item) => item.person !== person && item.state !== "sent").length;

/** Ask once more after a refusal: under a new id, for the console keeps its answer to the old one. */
export const again = (item) => rewrite(item, { id: newKey(), state: "waiting", problem: null, not_before: 0 });

/** Take an item back that was not sent; its photos go with it. */
export async function drop(item) {
  await change(["outbox", "photos"], (stores) => {
    stores.outbox.delete(item.seq);
    item.photos.forEach((id) => stores.photos.delete(id));
  });
  changed();
}

/**
 * Send what may go, in order; `calls` = {upload(photo, item), command(item, evidence)}, each giving {status, body, after_s?} or throwing when
 * nobody answers. Says why it ended: "done", "later" (try again in a while), "offline" or "signed out". Only one tab sends at a time.
 */
export function deliver(person, calls) {
  const work = () => deliverAll(person, calls);
  return navigator.locks ? navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? work() : "later")) : work();
}

async function deliverAll(person, calls) {
  const held = new Set();
  let end = "done";
  for (const item of await items(person)) {
    if (item.state === "sent") continue;
    const outcome = item.state === "refused" || held.has(item.case_id) ? "held" : await deliverOne(item, calls);
    if (outcome === "offline" || outcome === "signed out") return outcome;
    if (outcome === "later") end = "later";
    if (outcome !== "sent") held.add(item.case_id);
  }
  await tidy(person);
  return end;
}

async function deliverOne(item, calls) {
  if (item.not_before > Date.now()) return "later";
  try {
    const evidence = [];
    for (const id of item.photos) {
      const photo = await one("photos", id), uploaded = photo.evidence ? null : await calls.upload(photo, item);
      if (uploaded && uploaded.status >= 300) return settle(item, uploaded);
      if (uploaded) await change(["photos"], ({ photos }) => void photos.put({ ...photo, evidence: uploaded.body }));
      evidence.push(photo.evidence ?? uploaded.body);
    }
    return await settle(item, await calls.command(item, evidence));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // what fetch says when nobody answers
    return "offline";
  }
}

/** Writes down what the console answered. */
async function settle(item, { status, body, after_s }) {
  if (status === 401) return "signed out";
  if (status >= 500 || LATER.has(status)) {
    const wait = after_s ? after_s * 1e3 : RETRY_MS[Math.min(item.tries, RETRY_MS.length - 1)];
    await rewrite(item, { tries: item.tries + 1, not_before: Date.now() + wait, asked: status === 202 });
    return "later";
  }
  if (status >= 400) {
    await rewrite(item, { state: "refused", problem: body ?? { status }, tries: item.tries + 1 });
    return "refused";
  }
  await sent(item, body);
  return "sent";
}

async function sent(item, body) {
  const { behind: _, ...row } = item;
  await change(["outbox", "photos"], (stores) => {
    stores.outbox.put({ ...row, state: "sent", sent_at: Date.now(), outcome: body });
    item.photos.forEach((id) => stores.photos.delete(id));
  });
  changed();
}

async function rewrite({ behind: _, ...item }, changes) {
  await change(["outbox"], ({ outbox }) => void outbox.put({ ...item, ...changes }));
  changed();
}

/** Sent items are shown for a day, the last twenty. */
async function tidy(person) {
  const sent = (await items(person)).filter((item) => item.state === "sent");
  const old = sent.filter((item, place) => place < sent.length - KEPT_SENT || item.sent_at < Date.now() - SENT_FOR_MS);
  if (old.length) await change(["outbox"], ({ outbox }) => old.forEach((item) => outbox.delete(item.seq)));
}
