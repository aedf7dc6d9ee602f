// /hooks: who is told, what is on its way, what was given up, what is silenced, and why a case was told to whom: to read; acts are the shell's.
import { get } from "../lib/api.js";
import { start, title } from "../lib/boot.js";
import { cls, html, signal, useEffect } from "../lib/dom.js";
import { Header } from "../lib/header.js";
import { number, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { clock, clockSeconds, day, full, span, when } from "../lib/time.js";
import { Empty, Trouble } from "../lib/ui.js";

const EVERY_MS = 5000, TYPING_MS = 350;
const told = signal(null), problem = signal(null), heardAt = signal(null);
const asked = signal(new URLSearchParams(location.search).get("case") ?? ""), story = signal(null), storyProblem = signal(null);

async function load() {
  try {
    [told.value, problem.value, heardAt.value] = [await get("/hooks"), null, Date.now()];
  } catch (error) {
    problem.value = error;
  }
}

let turn = 0;
async function tell(caseId) {
  const mine = turn += 1;
  asked.value = caseId;
  history.replaceState(null, "", caseId ? `/hooks?case=${encodeURIComponent(caseId)}` : "/hooks");
  if (!caseId) { [story.value, storyProblem.value] = [null, null]; return; }
  try {
    const found = await get(`/cases/${encodeURIComponent(caseId)}/notices`);
    if (mine === turn) [story.value, storyProblem.value] = [found.notices, null];
  } catch (error) {
    if (mine === turn) [story.value, storyProblem.value] = [null, error];
  }
}

// Of the machine's time, not of the city's: the queue runs by that, also in a demo whose city is faster.
const since = (moment) => span(Date.now() - Date.parse(moment));
const whatOf = (one) => one.what === null ? "" : one.what.startsWith("case.") ? word("fact", one.what.slice(5)) : word("notice", one.what.replaceAll(" ", "_"));
const kindOf = (kind) => kind ? t(`protocol.${kind}`) : t("hooks.kindless");

function Figures({ all }) {
  const trouble = all.targets.filter((one) => ["open", "disabled"].includes(one.state)).length, quiet = all.silences.filter((one) => one.state === "active").length;
  const figures = [["waiting", all.queue.waiting, all.queue.oldest_at && t("hooks.oldest", { span: since(all.queue.oldest_at) }), ""], ["dead", all.queue.dead, all.queue.dead ? t("hooks.replayable") : "", all.queue.dead && "bad"],
    ["trouble", trouble, t("hooks.of", { n: all.targets.length }), trouble && "bad"], ["silenced", quiet, all.silences.length > quiet ? t("hooks.coming", { n: all.silences.length - quiet }) : "", quiet && "quiet"]];
  return html`<dl class="figures">${figures.map(([name, n, note, kind]) => html`<div key=${name} class=${cls(kind)}><dt>${t(`hooks.${name}`)}</dt><dd>${number(n)}</dd><dd class="note">${note}</dd></div>`)}</dl>`;
}

function Banner({ all }) {
  const wrong = !all.configured ? "unconfigured" : !all.ready ? "filling" : !all.dispatching ? "nobody" : null;
  return wrong && html`<p class="banner" role="alert"><b>${t(`hooks.${wrong}`)}</b> <span>${t(`hooks.${wrong}Hint`)}</span></p>`;
}

function Cases({ one }) {
  return html`<span class="cases">${one.cases.map((id) => html`<a key=${id} href=${`/case/${id}`}>${id}</a>`)}${one.count > one.cases.length && html`<span>${t("receiver.more", { n: one.count - one.cases.length })}</span>`}</span>`;
}

const Last = ({ attempt }) => attempt && html`<span class="last"><b>${word("hooks.outcome", attempt.outcome)}</b> ${attempt.detail || (attempt.status ? `HTTP ${attempt.status}` : word("hooks.reason", attempt.reason))}</span>`;

function Deliveries({ name, list, total }) {
  return html`<section class="card" aria-labelledby=${`h-${name}`}><header><h2 id=${`h-${name}`}>${t(`hooks.list.${name}`)}</h2>${total > list.length && html`<small>${t("hooks.first", { n: list.length, total })}</small>`}</header>
    ${list.length ? html`<div class="scroll" tabindex="0"><table><thead><tr>${["when", "target", "what", "attempts", "last"].map((one) => html`<th key=${one} scope="col" class=${cls({ n: one === "attempts" })}>${t(`hooks.col.${one}`)}</th>`)}</tr></thead>
      <tbody>${list.map((one) => html`<tr key=${one.id} title=${one.id}><td><time datetime=${one.ended_at ?? one.queued_at} title=${full(one.ended_at ?? one.queued_at)}>${name === "dead" ? `${day(one.ended_at)} ${clockSeconds(one.ended_at)}` : since(one.queued_at)}</time></td>
        <td><b>${one.target.split("/").map((part, at) => html`${at > 0 && html`/<wbr/>`}${part}`)}</b></td><td>${one.drill && html`<em class="drill">${t("receiver.drill")}</em> `}${whatOf(one)} <${Cases} one=${one}/></td><td class="n">${number(one.attempts)}</td><td><${Last} attempt=${one.last}/></td></tr>`)}</tbody></table></div>
      ${name === "dead" && html`<p class="hint">${t("hooks.replayHow")} <code>cityloop hooks replay --failed</code></p>`}` : html`<p class="none"><${Icon} name="check"/>${t(`hooks.none.${name}`)}</p>`}</section>`;
}

function Targets({ list }) {
  const receivers = new Map();
  for (const one of list) receivers.set(one.receiver, [...(receivers.get(one.receiver) ?? []), one]);
  return html`<section class="card" aria-labelledby="h-targets"><header><h2 id="h-targets">${t("hooks.targets")}</h2></header>${list.length ? html`<ul class="targets">${[...receivers].map(([name, all]) => html`<li key=${name}><h3>${name === "duty" ? t("hooks.duty") : name}</h3><ul>${all.map((one) => html`<li key=${one.target} class=${cls("target", one.state)} data-state=${one.state}>
      <i aria-hidden="true"></i><span class="name"><b>${kindOf(one.kind)}</b> <small>${one.target.slice(name.length + 1)}</small>${one.urgent && html` <span class="urgent">${t("hooks.urgent")}</span>`}</span><span class="state">${t(`hooks.state.${one.state}`)}</span><span class="n">${one.waiting ? t("hooks.waits", { n: one.waiting }) : ""}</span>
      ${one.state === "disabled" ? html`<small class="why">${one.disabled}</small>` : one.failing_since && html`<small class="why">${t("hooks.failing", { n: one.failures, span: since(one.failing_since) })}</small>`}</li>`)}</ul></li>`)}</ul>` : html`<p class="none">${t("hooks.none.targets")}</p>`}</section>`;
}

function Silences({ list }) {
  return html`<section class="card" aria-labelledby="h-silences"><header><h2 id="h-silences">${t("hooks.silences")}</h2></header>${list.length ? html`<ul class="silences">${list.map((one) => html`<li key=${one.id} class=${one.state}><p class="what">${one.matchers.map((each) => html`<code key=${each}>${each}</code>`)}</p>
      <p><b>${t(`hooks.silence.${one.state}`)}</b> ${one.until ? t(`hooks.repeats.${one.repeats}`, { from: clock(one.starts_at), to: clock(one.ends_at), until: when(one.until) }) : t("hooks.until", { from: when(one.starts_at), until: when(one.ends_at) })}</p><p class="soft">${one.owner}: ${one.comment}</p></li>`)}</ul>` : html`<p class="none">${t("hooks.none.silences")}</p>`}</section>`;
}

function Rules({ list }) {
  const idle = list.filter((one) => !one.times);
  return html`<section class="card" aria-labelledby="h-rules"><header><h2 id="h-rules">${t("hooks.rules")}</h2>${idle.length > 0 && html`<small class="warn">${t("hooks.idle", { n: idle.length })}</small>`}</header><ul class="rules">${list.map((one) => html`<li key=${one.kind + one.rule} class=${cls({ idle: !one.times })}>
    <span class="name">${one.kind === "node" ? html`<b>${one.receiver}</b>` : html`<b>${one.rule}</b> <small>${t("hooks.inhibition")}</small>`} ${one.matchers.length ? one.matchers.map((each) => html`<code key=${each}>${each}</code>`) : html`<small>${t("hooks.root")}</small>`}</span><span class="n">${one.times ? html`${number(one.times)} <small>${when(one.last_at)}</small>` : t("hooks.never")}</span></li>`)}</ul></section>`;
}

let timer = null;
const later = (event) => {
  const value = event.target.value.trim();
  clearTimeout(timer);
  timer = setTimeout(() => tell(value), TYPING_MS);
};

function Search() {
  return html`<form role="search" class="search" onSubmit=${(event) => { event.preventDefault(); clearTimeout(timer); tell(event.target.elements.case.value.trim()); }}><label for="search">${t("hooks.ask")}</label><input id="search" name="case" type="search" placeholder="QD-…" value=${asked.value} onInput=${later}/></form>`;
}

function Story() {
  if (storyProblem.value) return html`<${Trouble} error=${storyProblem.value}/>`;
  if (!story.value) return null;
  return html`<section class="card story" aria-labelledby="h-story"><header><h2 id="h-story">${t("hooks.story")} <a href=${`/case/${asked.value}`}>${asked.value}</a></h2></header>${story.value.length ? html`<ol>${story.value.map((one) => html`<li key=${one.at + one.receiver + one.reason}><time datetime=${one.at} title=${full(one.at)}>${when(one.at)}</time><b>${one.receiver}</b>
      <span class=${cls("verdict", { sent: one.deliveries.length })}>${word("notice", one.reason.replaceAll(" ", "_"))}</span><span class="why">${one.why}</span><span class="became">${one.deliveries.map((each) => html`<span key=${each.id} class=${cls("chip", { closed: each.state === "delivered", off: each.state === "waiting" || each.state === "claimed", dead: each.state === "dead" })}>${each.target} · ${t(`hooks.became.${each.state}`)}</span>`)}</span></li>`)}</ol>` : html`<p class="none">${t("hooks.none.story")}</p>`}</section>`;
}

function App() {
  useEffect(() => {
    title(t("page.hooks"));
    load();
    if (asked.value) tell(asked.value);
    const every = setInterval(() => { if (!document.hidden) load(); }, EVERY_MS);
    return () => clearInterval(every);
  }, []);
  useKeys([["/", "key.search", () => document.getElementById("search").focus()], ["r", "key.refresh", () => load()]]);
  const all = told.value;
  return html`<${Header} live=${false}/><main id="main" class="hooks"><header class="top"><div><h1>${t("hooks.title")}</h1><p class="hint">${t("hooks.hint")}</p></div><${Search}/></header>
    ${problem.value && html`<${Trouble} error=${problem.value} onRetry=${load}/>`}<${Story}/>${all ? html`<${Banner} all=${all}/><${Figures} all=${all}/>
    <div class="columns"><div><${Deliveries} name="dead" list=${all.dead} total=${all.queue.dead}/><${Deliveries} name="waiting" list=${all.waiting} total=${all.queue.waiting}/><${Rules} list=${all.rules}/></div><div><${Targets} list=${all.targets}/><${Silences} list=${all.silences}/></div></div>` : !problem.value && html`<${Empty} icon="refresh" title=${t("hooks.loading")}/>`}</main>`;
}

await start(App);
