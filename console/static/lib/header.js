// The head of every page: city, where to go, what the page puts in the middle, the live pill, the city's clock, and who is signed in.
import { session, signOut } from "./api.js";
import { html, lazy, signal, useEffect } from "./dom.js";
import { pill } from "./feed.js";
import { chooseLanguage, cityName, lang, nameOf, t, word } from "./i18n.js";
import { helpIsOpen, Help } from "./keys.js";
import { chooseDensity, chooseTheme, density, theme } from "./look.js";
import { isLoud, play, setLoud } from "./sound.js";
import { citySpeed, cityNow, clock, longDay, tick } from "./time.js";
import { IconButton, Menu, SEVERITIES } from "./ui.js";

// address → the roles that work there (null: everybody), and whether only for who sees the whole city
const PAGES = [["/", "page.operations", null], ["/cases", "page.cases", null], ["/accept", "page.accept", ["acceptor", "shift_lead"]],
  ["/field", "page.field", ["unit", "collector", "checker"]], ["/journal", "page.journal", ["auditor"]],
  ["/hooks", "page.hooks", ["shift_lead", "dispatcher", "leader", "auditor", "ops"], "whole city"]];

const Password = lazy(() => import("./password.js"), "Password"), changing = signal(false);

export function Header({ children, live = true }) {
  const { role, district } = session.value?.person ?? {}, here = location.pathname;
  const pages = PAGES.filter(([, , roles, whole]) => (!roles || roles.includes(role)) && !(whole && district));
  return html`<header class="head"><a class="skip" href="#main">${t("skip")}</a>
    <a class="brand" href="/" aria-label=${`${cityName()} ${t("title")}`}><img src="/static/mark.svg" alt="" width="30" height="30"/><span><b>${cityName()}</b>${" "}<small>${t("title")}</small></span></a>
    <nav aria-label=${t("pages")}>${pages.map(([path, name]) => html`<a href=${path} aria-current=${here === path ? "page" : undefined}>${t(name)}</a>`)}</nav>
    <div class="middle">${children}</div>
    ${live && html`<${Pill}/>`}<${Clock}/><${Tools}/></header><${Help}/>
    ${changing.value && html`<${Password} account=${session.value.person.id} onClose=${() => { changing.value = false; }}/>`}`;
}

export function Pill() {
  const { mode, behind, heard } = pill.value;
  const extra = mode === "stale" ? t("stale.since", { at: clock(heard) }) : mode === "live" ? t("live.behind", { n: behind.toFixed(1) }) : "";
  return html`<p class="pill" data-mode=${mode} role="status" title=${t(`${mode}.hint`)}><i></i><span>${t(mode)}<span class="extra">${extra}</span></span></p>`;
}

// Says at the top of the page that what it shows is old; nothing else may look as fresh as before.
export function StaleBanner() {
  const { mode, heard } = pill.value;
  useEffect(() => { document.documentElement.toggleAttribute("data-stale", mode === "stale"); }, [mode]);
  return mode === "stale" && html`<p class="stale-banner" role="alert">${t("stale.banner", { at: clock(heard) })}</p>`;
}

function Clock() {
  tick.value;
  const now = cityNow(), speed = citySpeed();
  return html`<div class="clock" role="timer" aria-live="off"><time>${clock(now)}</time>
    <small>${longDay(now)}${speed === 1 ? "" : html` <b title=${t("speed.hint")}>${t(speed ? "speed" : "speed.events", { n: speed })}</b>`}</small></div>`;
}

function Tools() {
  const person = session.value?.person;
  return html`<div class="tools">
    <${Menu} label=${t(isLoud.value ? "sound.on" : "sound.off")} icon=${isLoud.value ? "sound" : "mute"} items=${[
      { label: t("sound.play"), checked: isLoud.value, act: () => setLoud(true) }, { label: t("sound.mute"), checked: !isLoud.value, act: () => setLoud(false) },
      { heading: t("sound.test") }, ...SEVERITIES.map((severity) => ({ label: word("severity", severity), icon: "play", act: () => play(severity, true) }))]}/>
    <${IconButton} icon="help" label=${t("key.title")} onClick=${() => { helpIsOpen.value = true; }}/>
    <button type="button" class="icon-button language" lang=${lang === "zh" ? "en" : "zh-CN"} onClick=${() => chooseLanguage(lang === "zh" ? "en" : "zh")}>${t("other")}</button>
    <${Menu} class="who" label=${t("appearance")} icon="person" text=${person && html`<b>${person.name}</b><small>${[word("role", person.role), nameOf("districts", person.district)].filter(Boolean).join(" · ")}</small>`} items=${[
      { heading: t("theme") }, ...["auto", "light", "dark"].map((name) => ({ label: t(`theme.${name}`), checked: theme.value === name, act: () => chooseTheme(name) })),
      { heading: t("density") }, ...["comfortable", "compact"].map((name) => ({ label: t(`density.${name}`), checked: density.value === name, act: () => chooseDensity(name) })),
      person && { heading: person.unit ? nameOf("units", person.unit) : word("level", person.level) },
      person?.kind === "account" && { label: t("password.change"), icon: "key", act: () => { changing.value = true; } },
      person && { label: t("signOut"), icon: "out", act: signOut }]}/>
  </div>`;
}
