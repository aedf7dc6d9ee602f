// /field: the tasks of a unit, a collector or a checker on the street, with one hand, with or without a network.
// First what the phone remembers, then what the console says; commands go through the outbox, never straight.
import { cls, html, lazy, render, signal, useEffect } from "../lib/dom.js";
import { chooseLanguage, lang, loadWords, nameOf, t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { applyLook, chooseTheme, isDark, theme } from "../lib/look.js";
import { Menu, Toasts, Trouble, toast } from "../lib/ui.js";
import { asksNothing } from "../case/forms.js";
import { Box } from "./box.js";
import { Card, Task, locateIfGranted, titleOf } from "./list.js";
import { Sheet } from "./sheet.js";
import { attend, busy, install, leave, mine, newShell, online, person, recall, refresh, signedOut, tasks, toldAt, trouble, unsent } from "./work.js";
import { said, since } from "./words.js";

const Password = lazy(() => import("../lib/password.js"), "Password"), changing = signal(false);
const BOX = "#box";
const place = signal(location.hash), sheet = signal(null); // {task, action}
addEventListener("hashchange", () => { place.value = location.hash; sheet.value = null; });

const go = (hash) => { location.hash = hash; };
const back = () => (history.state?.inside ? history.back() : go(""));

function Head() {
  const who = person.value, waiting = unsent.value.length;
  const words = signedOut.value ? t("field.signedOut") : online.value ? busy.value ? t("field.asking") : t("field.live") : t("field.offline");
  return html`<header class="bar"><div><b>${who ? who.name : t("title")}</b><small>${who && [word("role", who.role), nameOf("units", who.unit)].filter(Boolean).join(" · ")}</small></div>
    <button type="button" class=${cls("net", { off: !online.value || signedOut.value })} onClick=${refresh} title=${t("field.refresh")}>
      <i></i><span role="status">${words}</span>${waiting > 0 && html`<b>${waiting}</b>`}<span class="unseen">${t("field.refresh")}</span></button>
    <${Menu} label=${t("field.menu")} icon="more" items=${[
      { label: t("other"), act: () => chooseLanguage(lang === "zh" ? "en" : "zh") },
      { label: t(isDark.value ? "theme.light" : "theme.dark"), checked: undefined, act: () => chooseTheme(isDark.value ? "light" : "dark") },
      who?.kind === "account" && online.value && { label: t("password.change"), icon: "key", act: () => { changing.value = true; } },
      { label: t("signOut"), icon: "out", act: goodbye }]}/></header>`;
}

function goodbye() {
  if (unsent.value.length) toast({ text: t("field.unsent", { n: unsent.value.length }), kind: "bad", ms: 12_000, action: { label: t("signOut"), act: leave } });
  else leave();
}

const Notices = () => html`${signedOut.value && html`<p class="notice">${t("field.signInAgain")} <a href=${`/login?next=${encodeURIComponent("/field")}`}>${t("signIn")}</a></p>`}
  ${!online.value && tasks.value && html`<p class="notice" data-kind="offline">${t("field.asOf", { at: since(toldAt.value) })}</p>`}
  ${newShell.value && html`<p class="notice">${t("field.newShell")} <button type="button" class="link" onClick=${() => location.reload()}>${t("field.reload")}</button></p>`}
  ${trouble.value && html`<${Trouble} error=${trouble.value} onRetry=${refresh}/>`}`;

function List() {
  if (!tasks.value && signedOut.value) return null;
  if (!tasks.value) return html`<p class="empty-words">${t(online.value ? "field.loading" : "field.neverLoaded")}</p>`;
  if (!mine.value.length) return html`<div class="nothing"><${Icon} name="check" size="40"/><b>${t("field.none")}</b><p>${t("field.noneHint")}</p></div>`;
  return html`<ol class="tasks">${mine.value.map((task) => html`<${Card} key=${task.case_id} task=${task}/>`)}</ol>`;
}

function act(task, action) {
  sheet.value = { task, action };
}

function done(task, action) {
  sheet.value = null;
  toast({ text: t(online.value ? "field.kept" : "field.keptOffline", { what: word("command", action.command) }), detail: titleOf(task), kind: "good", ms: 4000 });
  if (!["accept", "request_extension", "request_suspension", "note"].includes(action.command)) back();
  refresh();
}

function App() {
  const id = place.value.slice(1), shown = place.value && place.value !== BOX ? mine.value.find((task) => task.case_id === id) : null;
  const waiting = unsent.value.length, isBox = place.value === BOX;
  useEffect(() => { document.title = `${waiting ? `(${waiting}) ` : ""}${t("page.field")} · ${t("title")}`; }, [waiting]);
  return html`<${Head}/><main id="main"><h1 class="unseen">${t("page.field")}</h1><${Notices}/>
    ${isBox ? html`<${Box} onRefresh=${refresh}/>` : shown ? html`<${Task} task=${shown} onAct=${(action) => act(shown, action)} onBack=${back}/>`
      : html`${id && tasks.value && html`<p class="notice">${t("task.gone", { id })}</p>`}<${List}/>`}</main>
    ${!shown && html`<nav class="tabs" aria-label=${t("pages")}><a href="#" aria-current=${isBox ? undefined : "page"}><${Icon} name="list" size="22"/><span>${t("field.tasks")}</span><b>${mine.value.length || ""}</b></a>
      <a href=${BOX} aria-current=${isBox ? "page" : undefined}><${Icon} name="send" size="22"/><span>${t("box.title")}</span><b>${waiting || ""}</b></a></nav>`}
    ${sheet.value && html`<${Sheet} ...${sheet.value} person=${person.value} onClose=${() => { sheet.value = null; }} onDone=${(action) => done(sheet.value.task, action)}/>`}
    ${changing.value && html`<${Password} account=${person.value.id} onClose=${() => { changing.value = false; }}/>`}<${Toasts}/>`;
}

applyLook();
await loadWords();
await recall();
render(html`<${App}/>`, document.getElementById("app"));
attend();
await Promise.all([install(), locateIfGranted(), refresh()]);
document.body.dataset.ready = "yes";
