// The demo's receiver: notices as a receiver in the city gets them, newest first, with what was signed, sent again, or refused.
import { start, title } from "../lib/boot.js";
import { cls, computed, html, signal, useEffect } from "../lib/dom.js";
import { catalogue, chooseLanguage, cityName, lang, nameOf, number, t, useCatalogue, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { chooseTheme, isDark } from "../lib/look.js";
import { clockSeconds, full } from "../lib/time.js";
import { Empty, IconButton, Shape, StateChip } from "../lib/ui.js";

const MOST = 150, EACH = 50, DRAW_MS = 300, MOODS = ["well", "failing", "silent"], PATIENT_MS = 3_600_000;
const notices = signal([]), totals = signal({ got: 0, distinct: 0, again: 0, refused: 0 }), channels = signal([]), mood = signal("well"), live = signal(false), only = signal(null), opened = signal(null);
const shown = computed(() => only.value ? notices.value.filter((one) => one.protocol === only.value) : notices.value.slice(0, MOST));

// The latest of all, and the latest of each channel: a rare one is not washed away.
function kept(list) {
  const seen = new Map();
  return list.filter((one, at) => { const n = (seen.get(one.protocol) ?? 0) + 1; seen.set(one.protocol, n); return at < MOST || n <= EACH; });
}

// What comes is drawn a few times a second: a city in a hurry sends more than a page could draw one by one.
function follow() {
  const source = new EventSource("/-/received");
  let fresh = [], timer = null;
  const draw = () => {
    timer = null;
    if (!fresh.length) return;
    const from = notices.value[0]?.n ?? 0, anew = fresh.at(-1).n < from; // the receiver was started anew
    notices.value = kept([...fresh.filter((one) => anew || one.n > from).reverse(), ...anew ? [] : notices.value]);
    totals.value = fresh.at(-1).totals;
    for (const one of fresh) if (!channels.value.includes(one.protocol)) channels.value = [...channels.value, one.protocol].sort();
    fresh = [];
  };
  source.addEventListener("mood", (event) => { mood.value = JSON.parse(event.data).mood; });
  source.addEventListener("notice", (event) => { fresh.push(JSON.parse(event.data)); if (fresh.length > MOST * 2) fresh = fresh.slice(-MOST); timer ??= setTimeout(draw, DRAW_MS); });
  source.addEventListener("ready", () => { live.value = true; });
  source.addEventListener("error", () => { live.value = false; });
}

const turn = (to) => fetch("/-/mood", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ mood: to }) }).catch(() => { live.value = false; });

const plain = (kind) => kind.replace(/^cityloop\./, "").replace(/\.v\d+$/, "");
const kindOf = (one) => plain(one.kind).startsWith("case.") ? word("fact", plain(one.kind).slice(5)) : word("notice", plain(one.kind).replaceAll(" ", "_"));
const late = (one) => one.at && catalogue.real_time ? Date.parse(one.received_at) - Date.parse(one.at) : null;

function Head() {
  const other = lang === "zh" ? "en" : "zh";
  return html`<header class="head"><a class="skip" href="#main">${t("skip")}</a><span class="brand"><img src="/static/mark.svg" alt="" width="30" height="30"/><span><b>${t("receiver.title")}</b><small>${cityName()} · ${t("title")}</small></span></span><div class="middle"></div>
    <p class="pill" data-mode=${live.value ? "live" : "reconnecting"} role="status"><i></i><span>${t(live.value ? "receiver.live" : "reconnecting")}</span></p>
    <div class="tools"><${IconButton} icon=${isDark.value ? "sun" : "moon"} label=${t(isDark.value ? "theme.light" : "theme.dark")} onClick=${() => { chooseTheme(isDark.value ? "light" : "dark"); }}/>
    <button type="button" class="icon-button language" lang=${other === "zh" ? "zh-CN" : "en"} onClick=${() => chooseLanguage(other)}>${t("other")}</button></div></header>`;
}

function Side() {
  return html`<aside class="side"><dl class="figures">${Object.entries(totals.value).map(([name, n]) => html`<div key=${name} class=${cls({ bad: name === "refused" && n })}><dt>${t(`receiver.${name}`)}</dt><dd>${number(n)}</dd></div>`)}</dl>
    <fieldset class="mood"><legend>${t("receiver.mood")}</legend>${MOODS.map((one) => html`<label key=${one} class=${cls({ on: mood.value === one })}><input type="radio" name="mood" checked=${mood.value === one} onChange=${() => turn(one)}/><span>${t(`receiver.mood.${one}`)}</span></label>`)}<p class="hint">${t(`receiver.hint.${mood.value}`)}</p></fieldset>
    <section class="channels"><h2>${t("receiver.channels")}</h2><ul>${[null, ...channels.value].map((name) => html`<li key=${name}><button type="button" aria-pressed=${only.value === name} onClick=${() => { only.value = name; }}><span>${name ? t(`protocol.${name}`) : t("receiver.every")}</span></button></li>`)}</ul></section></aside>`;
}

function Case({ one }) {
  const place = [nameOf("districts", one.district), one.address].filter(Boolean).join(" ");
  return html`<span class="case">${one.severity && html`<${Shape} severity=${one.severity}/>`}<b>${one.category ? nameOf("categories", one.category) : one.case_id}</b>${place && html`<span>${place}</span>`}</span>`;
}

function Mark({ icon, kind = "", children }) { return html`<span class=${cls("mark", kind)}>${icon && html`<${Icon} name=${icon} size="14"/>`}${children}</span>`; }

function Row({ one }) {
  const cases = one.cases.filter((each) => each.case_id), more = (one.cases.at(-1)?.more ?? 0) + Math.max(0, cases.length - 1), first = cases[0], isOpen = opened.value === one.n, delay = late(one);
  const head = one.title || (first ? "" : kindOf(one) || one.id);
  return html`<li class=${cls("notice", { over: one.firing === false, drill: one.drill, bad: one.status >= 400 })} data-protocol=${one.protocol}>
    <button type="button" class="line" aria-expanded=${isOpen} onClick=${() => { opened.value = isOpen ? null : one.n; }}>
      <time datetime=${one.received_at} title=${full(one.received_at)}>${clockSeconds(one.received_at)}</time><span class="whom"><b>${t(`protocol.${one.protocol}`)}</b><small>${one.receiver}</small></span>
      <span class="said">${head ? html`<b class="title">${head}</b>` : html`<${Case} one=${first}/>`}${more > 0 && html`<span class="more">${t("receiver.more", { n: more })}</span>`}
        <small>${first?.state && html`<${StateChip} state=${first.state}/>`}${first?.overdue === "true" && html`<em>${t("tab.overdue")}</em>`}${first?.unit && html`<span>${nameOf("units", first.unit)}</span>`}${first && html`<code>${first.case_id}</code>`}${!first && one.text && html`<span>${one.text.split("\n")[0]}</span>`}</small></span>
      <span class="marks">${one.drill && html`<${Mark} kind="drill">${t("receiver.drill")}<//>`}${one.firing === false && html`<${Mark} kind="over" icon="check">${t("receiver.over")}<//>`}${one.kind && kindOf(one) !== head && html`<${Mark}>${kindOf(one)}<//>`}
        ${one.times > 1 && html`<${Mark} kind="again" icon="refresh">${t("receiver.times", { n: one.times })}<//>`}${one.signed !== null && html`<${Mark} kind=${one.signed ? "good" : "bad"} icon=${one.signed ? "check" : "close"}>${t(one.signed ? "receiver.signed" : "receiver.unsigned")}<//>`}
        ${one.status >= 400 && html`<${Mark} kind="bad">HTTP ${one.status}<//>`}${delay !== null && delay >= 0 && delay < PATIENT_MS && html`<${Mark} kind="late" icon="clock">${t("receiver.late", { s: (delay / 1000).toFixed(delay < 10_000 ? 2 : 0) })}<//>`}</span></button>
    ${isOpen && html`<${Whole} one=${one}/>`}</li>`;
}

const pretty = (body) => { try { return JSON.stringify(JSON.parse(body), null, 2); } catch { return body; } };

function Whole({ one }) {
  return html`<div class="whole">${one.text && html`<p class="text">${one.text}</p>`}
    ${one.cases.length > 1 && html`<ul class="cases">${one.cases.map((each) => html`<li key=${each.case_id}>${each.case_id ? html`<${Case} one=${each}/>${each.state && html`<${StateChip} state=${each.state}/>`}<code>${each.case_id}</code>` : t("receiver.more", { n: each.more })}</li>`)}</ul>`}
    <h3>POST ${one.path}</h3><dl class="headers">${Object.entries(one.headers).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <h3>${t("receiver.body", { n: one.bytes })}</h3><pre tabindex="0">${pretty(one.body)}</pre></div>`;
}

function App() {
  useEffect(() => { title(t("receiver.title")); follow(); }, []);
  return html`<${Head}/><main id="main" class="receiver"><h1 class="unseen">${t("receiver.title")}</h1><${Side}/>
    <section class="stream" aria-label=${t("receiver.stream")}>${shown.value.length ? html`<ol>${shown.value.map((one) => html`<${Row} key=${one.n} one=${one}/>`)}</ol>` : html`<${Empty} icon="send" title=${t("receiver.none")}>${t("receiver.noneHint")}<//>`}</section></main>`;
}

useCatalogue(await fetch("/-/names").then((answer) => answer.json(), () => ({})));
await start(App, { signedIn: false });
