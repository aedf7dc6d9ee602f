// Bulk triage of what machines saw: one large picture at a time with the next ones beside it; f files, v verifies, r refuses, arrows move.
import { cls, html, signal, useEffect } from "../lib/dom.js";
import { Icon } from "../lib/icons.js";
import { nameOf, number, t, word } from "../lib/i18n.js";
import { useKeys } from "../lib/keys.js";
import { ago, tick } from "../lib/time.js";
import { Button, Empty, IconButton, Shape } from "../lib/ui.js";
import { ask, flush, outcomes, pending, takeBack } from "./acts.js";
import { loadMore } from "./live.js";
import { queue, rows, triage } from "./state.js";

const MACHINES = ["satellite", "drone", "high_video", "low_video", "algorithm", "iot"], AHEAD = 12;
const at = signal(null), verdicts = signal(new Map()); // what was decided of which in this sitting

const ACTS = { f: "file", v: "verify", r: "not_file" };

const failed = (row) => outcomes.value.get(row.case_id)?.ok === false;
// Decided, unless that was taken back or refused: then it waits again.
const isDecided = (row) => verdicts.value.has(row.case_id) && !failed(row) && (row.state !== "reported" || pending.value.has(row.case_id) || outcomes.value.has(row.case_id));

// Read anew at every key, not at every drawing: fast fingers are faster than the screen.
function standing() {
  const all = rows.value.filter((row) => MACHINES.includes(row.channel) && (row.state === "reported" || verdicts.value.has(row.case_id))), left = all.filter((row) => !isDecided(row));
  const now = all.find((row) => row.case_id === at.value) ?? left[0] ?? null;
  return { all, left, now, place: all.indexOf(now) };
}

function step(by) {
  const { all, place } = standing();
  if (all.length) at.value = all[Math.min(all.length - 1, Math.max(0, place + by))].case_id;
}

function decide(command) {
  const { now, all, place } = standing();
  if (!now || isDecided(now)) return;
  ask([now], { command, needs: [], reason_required: command === "not_file" }, { straight: true, values: command === "not_file" ? { reason: t("triage.reason") } : {} });
  verdicts.value = new Map(verdicts.value).set(now.case_id, command);
  at.value = [...all.slice(place + 1), ...all.slice(0, place)].find((row) => !isDecided(row))?.case_id ?? now.case_id;
}

export function Triage() {
  const { all, left, now } = standing();
  useEffect(() => { if (queue.value.next && left.length < AHEAD) loadMore(); }, [left.length, queue.value.loading]);
  useEffect(() => { document.querySelector(".triage .tile.now")?.scrollIntoView({ block: "nearest" }); }, [now?.case_id]);
  const close = () => { triage.value = false; at.value = null; verdicts.value = new Map(); };
  const columns = () => { const tiles = [...document.querySelectorAll(".triage .tile")], top = tiles[0]?.offsetTop; return Math.max(1, tiles.filter((tile) => tile.offsetTop === top).length); };
  useKeys([...Object.entries(ACTS).map(([key, command]) => [key, `command.${command}`, () => decide(command)]),
    ["ArrowRight j", "key.next", () => step(1)], ["ArrowLeft k", "key.previous", () => step(-1)], ["ArrowDown", null, () => step(columns())], ["ArrowUp", null, () => step(-columns())], ["z", "undo", takeBack], ["s", "key.send", flush], ["Escape", "key.close", close]], { heading: "triage", alone: true });
  tick.value;
  return html`<section class="triage" aria-label=${t("triage")}>
    <header><h2>${t("triage")}</h2><p>${t("triage.left", { n: number(left.length) })}${queue.value.next ? "+" : ""} · ${t("triage.done", { n: all.length - left.length })}</p>
      <p class="letters">${Object.entries(ACTS).map(([key, command]) => html`<span key=${key}><kbd>${key}</kbd>${word("command", command)}</span>`)}<span><kbd>←</kbd><kbd>→</kbd>${t("key.move")}</span></p><${IconButton} icon="close" label=${t("close")} onClick=${close}/></header>
    ${!now ? html`<${Empty} title=${t("triage.empty")}>${t("triage.emptyHint")}<//>` : html`
    <div class="stage"><figure>${now.picture ? html`<img src=${`/api/v1/evidence/${now.picture}`} alt=${nameOf("categories", now.category)}/>` : html`<span class="no-picture"><${Icon} name="photo"/>${t("picture.none")}</span>`}
        <figcaption><b>${nameOf("categories", now.category)}</b><${Shape} severity=${now.severity} named/><span>${[nameOf("districts", now.district), now.address].filter(Boolean).join(" · ")}</span>
          <span>${now.confidence ? t("confidence", { n: Math.round(now.confidence * 100) }) : ""} · ${word("channel", now.channel)} · ${ago(now.opened_at)}${now.count > 1 ? ` · ×${now.count}` : ""}</span><code>${now.case_id}</code></figcaption></figure>
      <div class="acts" role="group" aria-label=${t("acts")}>${Object.entries(ACTS).map(([key, command]) => html`<${Button} key=${key} keys=${key} kind=${command === "file" ? "main" : command === "not_file" ? "danger" : ""} disabled=${isDecided(now)} onClick=${() => decide(command)}>${word("command", command)}<//>`)}</div></div>
    <ul class="tiles">${all.map((row) => html`<li key=${row.case_id}><button type="button" class=${cls("tile", { now: row === now, done: isDecided(row) })} aria-current=${row === now ? "true" : undefined} onClick=${() => { at.value = row.case_id; }}>
      ${row.picture ? html`<img loading="lazy" alt="" src=${`/api/v1/evidence/${row.picture}/thumbnail`}/>` : html`<span class="no-picture"><${Icon} name="photo"/></span>`}
      <span class="tag">${isDecided(row) ? html`<b>${word("command", verdicts.value.get(row.case_id))}</b>` : html`<${Shape} severity=${row.severity} size="12"/>${nameOf("categories", row.category)}${failed(row) && html`<b class="bad">${t("outcome.bad")}</b>`}`}</span></button></li>`)}</ul>`}</section>`;
}
