// /cases: every case one may see as a table. What it shows stands in the address; j k x o work on it; many are moved at once, each with its outcome.
import { start, title } from "../lib/boot.js";
import { cls, html, useEffect } from "../lib/dom.js";
import { Header, StaleBanner } from "../lib/header.js";
import { nameOf, number, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { full, when } from "../lib/time.js";
import { Button, DueRing, Empty, Shape, StateChip, Trouble } from "../lib/ui.js";
import { held } from "../case/hold.js";
import { BulkBar, outcomes, refresh } from "./bulk.js";
import { Filters } from "./filters.js";
import { PAGE, busy, chosen, current, load, mark, markAll, next, problem, rows } from "./list.js";
import { ask, asked, clear, nothingAsked } from "./query.js";

const SORTED = { due: "due", opened: "newest" }, TURNED = { newest: "oldest", oldest: "newest", due: "due" };
const OUTCOME = { waiting: "clock", done: "check", refused: "close" };

const CELLS = {
  category: (row) => html`<span class="kind"><${Shape} severity=${row.severity}/>${nameOf("categories", row.category)}</span>`,
  state: (row) => html`<${StateChip} state=${row.state}/>${row.overdue && html`<span class="chip late">${t("cases.filter.overdue")}</span>`}`,
  where: (row) => row.address ?? row.grid ?? "–", district: (row) => nameOf("districts", row.district), unit: (row) => row.unit ? nameOf("units", row.unit) : "–",
  due: (row) => row.ended_at ? html`<span class="quiet">${when(row.due_at)}</span>` : html`<${DueRing} from=${row.filed_at} due=${row.due_at}/>`,
  opened: (row) => html`<time datetime=${row.opened_at} title=${full(row.opened_at)}>${when(row.opened_at)}</time>`, seen: (row) => html`<time datetime=${row.last_seen} title=${full(row.last_seen)}>${when(row.last_seen)}</time>`,
  count: (row) => number(row.count), sources: (row) => number(row.sources), channel: (row) => word("channel", row.channel), level: (row) => word("level", row.level),
};
const NUMBERS = new Set(["count", "sources"]);

const addressOf = (row) => `/case/${encodeURIComponent(row.case_id)}`;

function Row({ row, columns }) {
  const on = chosen.value.has(row.case_id), outcome = outcomes.value.get(row.case_id);
  return html`<tr class=${cls({ on, here: current.value === row.case_id })} data-case=${row.case_id} onClick=${() => { current.value = row.case_id; }}>
    <td class="mark"><input type="checkbox" checked=${on} aria-label=${t("list.choose", { number: row.case_id })} onChange=${() => mark(row.case_id)}/></td>
    <th scope="row"><a href=${addressOf(row)}>${row.case_id}</a>${outcome && html`<p class=${`outcome ${outcome.state}`}><${Icon} name=${OUTCOME[outcome.state]} size="14"/>${t(`outcome.${outcome.state}`, { what: word("command", outcome.command) })}${outcome.says ? html`<span>${outcome.says}</span>` : ""}</p>`}</th>
    ${columns.map((name) => html`<td key=${name} class=${cls({ n: NUMBERS.has(name) })}>${CELLS[name](row)}</td>`)}</tr>`;
}

function Heading({ name }) {
  const sort = asked.value.sort || "newest", by = SORTED[name], isBy = by && (sort === by || TURNED[sort] === by && name === "opened");
  if (!by) return html`<th scope="col" class=${cls({ n: NUMBERS.has(name) })}>${t(`column.${name}`)}</th>`;
  const to = isBy ? TURNED[sort] : by;
  return html`<th scope="col" aria-sort=${isBy ? sort === "newest" ? "descending" : "ascending" : undefined}><button type="button" onClick=${() => ask({ sort: to === "newest" ? "" : to })}>${t(`column.${name}`)}<${Icon} name=${isBy && sort !== "newest" ? "up" : "down"} size="13"/></button></th>`;
}

function Table() {
  const columns = asked.value.columns.filter((name) => name !== "case_id"), all = rows.value.length > 0 && rows.value.every((row) => chosen.value.has(row.case_id));
  return html`<div class="scroll" role="region" aria-label=${t("page.cases")} tabindex="0"><table aria-busy=${busy.value}><caption class="unseen">${t("page.cases")}</caption>
    <thead><tr><th class="mark" scope="col"><input type="checkbox" checked=${all} aria-label=${t("list.all")} onChange=${() => markAll(!all)}/></th><th scope="col">${t("column.case_id")}</th>${columns.map((name) => html`<${Heading} key=${name} name=${name}/>`)}</tr></thead>
    <tbody>${rows.value.map((row) => html`<${Row} key=${row.case_id} row=${row} columns=${columns}/>`)}</tbody></table>
    ${next.value && html`<p class="more"><${Button} busy=${busy.value} onClick=${() => load({ more: true })}>${t("list.more", { n: PAGE })}<//></p>`}</div>`;
}

/** Move to the next or last row; at the end the next page comes. */
async function step(by) {
  const place = rows.value.findIndex((row) => row.case_id === current.value), to = place < 0 ? 0 : place + by;
  if (to >= rows.value.length && next.value) await load({ more: true });
  const row = rows.value[Math.max(0, Math.min(rows.value.length - 1, to))];
  if (!row) return;
  current.value = row.case_id;
  document.querySelector(`[data-case="${CSS.escape(row.case_id)}"] th a`)?.focus();
}

const here = (act) => () => { const row = rows.value.find((one) => one.case_id === current.value); if (row) act(row); };

function App() {
  const { columns: _, ...list } = asked.value, key = JSON.stringify(list);
  useEffect(() => { load(); }, [key]);
  useEffect(() => title(t("page.cases")), []);
  useKeys([["j", "key.next", () => step(1)], ["k", "key.last", () => step(-1)], ["x", "key.choose", here((row) => mark(row.case_id))], ["o Enter", "key.open", here((row) => location.assign(addressOf(row)))],
    ["a", "key.chooseAll", () => markAll(chosen.value.size < rows.value.length)], ["/", "key.search", () => document.getElementById("search").focus()], ["r", "key.refresh", refresh], ["z", "key.undo", () => held.value.at(-1)?.undo()],
    ["Escape", "key.clear", () => { if (chosen.value.size) markAll(false); else outcomes.value = new Map(); }]]);
  return html`<${Header}/><${StaleBanner}/><main id="main" class="cases"><h1 class="unseen">${t("page.cases")}</h1><${Filters} onRefresh=${refresh}/>
    ${problem.value && html`<${Trouble} error=${problem.value} onRetry=${() => load()}/>`}
    ${!rows.value.length && !busy.value && !problem.value ? html`<${Empty} icon="search" title=${t(nothingAsked() ? "list.none" : "list.noMatch")}>${!nothingAsked() && html`<${Button} onClick=${clear}>${t("cases.filter.clear")}<//>`}<//>` : html`<${Table}/>`}
    <${BulkBar}/></main>`;
}

await start(App);
