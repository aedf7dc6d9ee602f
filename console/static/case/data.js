// What the case page knows of its case, and how it stays right: fetched whole, then again whenever the feed says that the case moved.
import { get, post, request } from "../lib/api.js";
import { batch, signal } from "../lib/dom.js";
import { follow } from "../lib/feed.js";

export const id = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1));
export const view = signal(null), events = signal([]), problem = signal(null), people = signal([]), districts = signal(null);

const PRESENT_MS = 20_000, TRIES = 15, BETWEEN_MS = 200;
const path = `/cases/${encodeURIComponent(id)}`;
let asked = 0;

/** Read the case and its timeline; `least` waits until the console's tables have caught up with what it just answered. */
export async function load(least = 0) {
  const turn = asked += 1;
  for (let left = least ? TRIES : 1; left > 0 && turn === asked; left -= 1) {
    try {
      const { data, headers } = await request("GET", path);
      if (turn !== asked) return;
      const told = await timeline();
      batch(() => { view.value = data; people.value = data.presence ?? []; events.value = told; problem.value = null; });
      feed?.resume(headers.get("X-Cursor"));
      if (data.row.sequence >= least) return;
    } catch (error) {
      problem.value = error;
      return;
    }
    await new Promise((next) => { setTimeout(next, BETWEEN_MS); });
  }
}

async function timeline() {
  const found = [];
  for (let after = 0; after !== null;) {
    const page = await get(`${path}/events`, { after: after || undefined });
    found.push(...page.events);
    after = page.next;
  }
  return found;
}

let feed = null, waiting = null;

/** From now on the page follows the case; a burst of facts is one reading. */
export function attend() {
  const soon = () => { waiting ??= setTimeout(() => { waiting = null; load(); }, BETWEEN_MS); };
  feed = follow({
    fact: (frame) => { if (frame.case_id === id && frame.sequence > (view.value?.row.sequence ?? 0)) soon(); },
    presence: (told) => { if (told.case_id === id) people.value = [...people.value.filter((one) => one.person !== told.person), ...(told.doing === "left" ? [] : [told])]; },
    resync: soon,
  });
  present("viewing");
  setInterval(() => {
    if (!document.hidden) present(doing);
    people.value = people.value.filter((one) => !one.until || Date.parse(one.until) > Date.now());
  }, PRESENT_MS);
  addEventListener("pagehide", () => { post(`${path}/presence`, { doing: "left" }, { keepalive: true }).catch(() => {}); });
}

let doing = "viewing";

/** Tell the others that this person is here, and whether they are about to act. */
export function present(what) {
  doing = what;
  post(`${path}/presence`, { doing: what }).catch(() => {}); // a courtesy: the next one comes in twenty seconds
}

export async function loadDistricts() {
  districts.value = await get("/districts").catch(() => null);
}
