// The operations page: queue, map, drawer and time brush around one state; the address is that state, the keyboard reaches all of it.
import { session } from "../lib/api.js";
import { start } from "../lib/boot.js";
import { effect, html, lazy } from "../lib/dom.js";
import { Header, StaleBanner } from "../lib/header.js";
import { cityName, t } from "../lib/i18n.js";
import { useKeys } from "../lib/keys.js";
import { ahead } from "../lib/map.js";
import { isLoud, setLoud } from "../lib/sound.js";
import { asking, flush, takeBack } from "./acts.js";
import { Brush } from "./brush.js";
import { Drawer, watch } from "./drawer.js";
import { Figures } from "./kpis.js";
import * as live from "./live.js";
import { MapView, fitCity, goThere } from "./mapview.js";
import { Queue, flipMark } from "./queue.js";
import * as state from "./state.js";

const Asking = lazy(() => import("./dialog.js"), "Asking"), Triage = lazy(() => import("./triage.js"), "Triage"), IDLE_MS = 3000;

function step(by) {
  const all = state.rows.value;
  if (!all.length) return;
  const at = all.findIndex((row) => row.case_id === state.cursorRow.value), to = Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by));
  state.cursorRow.value = all[to].case_id;
  document.getElementById("rows").focus({ preventScroll: true }); // so that Enter is the row's, not the last button's
  if (state.chosen.value) state.choose(all[to].case_id);
}

function back() {
  if (state.chosen.value) state.choose(null);
  else if (state.marked.value.size) state.marked.value = new Set();
  else state.cursorRow.value = null;
}

const onRow = (act) => () => { if (state.cursorRow.value) act(state.cursorRow.value); };

function Page() {
  useKeys([
    ["j ArrowDown", "key.next", () => step(1)], ["k ArrowUp", "key.previous", () => step(-1)], ["Enter o", "key.open", onRow(state.choose)],
    ["x", "key.mark", onRow(flipMark)], ["Escape", "key.back", back], ["/", "key.search", () => document.getElementById("search").focus()],
    ["t", "triage", () => { state.triage.value = true; }], ["z", "undo", takeBack], ["s", "key.send", flush], ["m", "key.sound", () => setLoud(!isLoud.value)], ["w", "map.whole", fitCity], ["g", "map.there", onRow(goThere)],
    ...[...state.TABS, "all"].map((tab, at) => [String(at + 1), null, () => state.change({ tab })]), ["1…9", "key.tabs", () => {}],
  ]);
  return html`<${Header}><${Figures}/><//><${StaleBanner}/>
    <main id="main" class=${state.chosen.value ? "desk with-drawer" : "desk"}>
      <h1 class="unseen">${t("page.operations")}</h1><${Queue}/><${MapView}/><${Brush}/><${Drawer}/>${state.triage.value && html`<${Triage}/>`}</main>${asking.value && html`<${Asking}/>`}`;
}

function entitle() {
  const waiting = state.arrivals.value.size, open = state.points.value.size;
  const title = `${waiting ? `(▲${waiting}) ` : ""}${t("title.open", { n: open })} · ${cityName()} ${t("page.operations")}`;
  if (document.title !== title) document.title = title;
}

ahead().catch(() => {}); // the map asks again
await start(() => html`<${Page}/>`, { ready: () => {
  state.begin(session.value.person.role);
  live.begin();
  watch();
  effect(entitle);
} });
requestIdleCallback(() => { Asking.ahead(); Triage.ahead(); }, { timeout: IDLE_MS });
