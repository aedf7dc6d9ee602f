// The parts that every page is made of: shapes of severity, chips of states, due rings, dialogs, menus, toasts with undo.
import { cls, html, signal, useEffect, useRef, useState } from "./dom.js";
import { Icon } from "./icons.js";
import { t, word } from "./i18n.js";
import { cityNow, full, remaining, tick } from "./time.js";

export const SEVERITIES = ["emergency", "major", "normal", "minor"];
export const SHAPE_OF = { emergency: "▲", major: "■", normal: "●", minor: "◆" };
const SHAPES = { emergency: "M8 1.5 15 14H1Z", major: "M2.5 2.5h11v11h-11Z", normal: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z", minor: "M8 1 15 8l-7 7-7-7Z" };
export const GROUP_OF = { reported: "new", verifying: "new", filed: "sent", dispatched: "sent", handling: "work", suspended: "off", checking: "check", checked: "check", closed: "closed" };
export const groupOf = (state) => GROUP_OF[state] ?? "off";

// Severity by shape and colour; `named` writes the word beside it, otherwise it is told to who cannot see it.
export const Shape = ({ severity, named = false, size = 14 }) => html`<span class=${cls("severity", severity)} title=${word("severity", severity)}>
  <svg viewBox="0 0 16 16" width=${size} height=${size} aria-hidden="true"><path d=${SHAPES[severity] ?? SHAPES.normal}/></svg>
  <span class=${named ? "" : "unseen"}>${word("severity", severity)}</span></span>`;

export const StateChip = ({ state }) => html`<span class=${cls("chip", groupOf(state))} data-state=${state}>${word("state", state)}</span>`;

const ROUND = 2 * Math.PI * 7;
// How much of a limit is used: the ring fills; green to 80 %, amber to 100 %, red over (DOMAIN.md's lights). `from`, `due`: ISO or null.
export function DueRing({ from, due, words = true, size = 18 }) {
  tick.value; // drawn anew once a second
  if (!due) return html`<span class="due none">${words ? t("due.none") : ""}</span>`;
  const { left, says } = remaining(due), whole = Date.parse(due) - Date.parse(from ?? due);
  const used = left <= 0 ? 1 : whole > 0 ? Math.min(1, Math.max(0.02, (cityNow() - Date.parse(from)) / whole)) : 0.5;
  const light = left <= 0 ? "over" : used >= 0.8 ? "soon" : "fine";
  return html`<span class=${cls("due", light)} title=${t("due.at", { at: full(due) })}>
    <svg viewBox="0 0 18 18" width=${size} height=${size} aria-hidden="true"><circle class="rail" cx="9" cy="9" r="7"/>
    <circle class="used" cx="9" cy="9" r="7" stroke-dasharray=${`${used * ROUND} ${ROUND}`} transform="rotate(-90 9 9)"/></svg>
    <span class=${words ? "" : "unseen"}>${says}</span></span>`;
}

export const Button = ({ icon, kind = "", busy = false, children, keys, ...rest }) => html`<button type="button" class=${cls("button", kind, { busy })}
  aria-busy=${busy || undefined} aria-keyshortcuts=${keys} ...${rest} disabled=${rest.disabled || busy}>
  ${icon && html`<${Icon} name=${icon}/>`}${children && html`<span>${children}</span>`}${keys && html`<kbd aria-hidden="true">${keys}</kbd>`}</button>`;

export const IconButton = ({ icon, label, class: kind, ...rest }) => html`<button type="button" class=${cls("icon-button", kind)} aria-label=${label}
  title=${label} ...${rest}><${Icon} name=${icon}/></button>`;

// A modal dialog. Esc and the cross call `onClose`; the focus goes back to where it was by itself.
export function Dialog({ title, onClose, children, footer, wide = false, onSubmit }) {
  const box = useRef(null);
  useEffect(() => {
    const dialog = box.current, before = document.activeElement;
    dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? dialog.querySelector("footer :is(.main, .danger)") ?? dialog.querySelector(".body :is(input, textarea, select)"))?.focus();
    return () => { if (dialog.open) dialog.close(); if (before?.isConnected) before.focus(); };
  }, []);
  const submit = (event) => { event.preventDefault(); onSubmit?.(event); };
  return html`<dialog ref=${box} class=${cls("dialog", { wide })} aria-label=${title} onCancel=${(event) => { event.preventDefault(); onClose(); }}
    onKeyDown=${(event) => { event.stopPropagation(); if (event.key === "Enter" && event.ctrlKey) box.current.querySelector("form").requestSubmit(); }} onMouseDown=${(event) => event.target === box.current && onClose()}>
    <form method="dialog" onSubmit=${submit}>
      <header role="none"><h2>${title}</h2><${IconButton} icon="close" label=${t("close")} onClick=${onClose}/></header>
      <div class="body">${children}</div>${footer && html`<footer role="none">${footer}</footer>`}
    </form></dialog>`;
}

// A button with a list of acts. `items`: {label, icon?, checked?, act, danger?} or {heading}.
export function Menu({ label, icon, text, items, class: kind = "", end = true }) {
  const [isOpen, setOpen] = useState(false), box = useRef(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    box.current.querySelector("[role^=menuitem]")?.focus();
    const leave = (event) => { if (!box.current?.contains(event.target)) setOpen(false); };
    addEventListener("pointerdown", leave);
    return () => removeEventListener("pointerdown", leave);
  }, [isOpen]);
  const move = (event) => {
    const entries = [...box.current.querySelectorAll("[role^=menuitem]")], at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (event.key === "Escape" && isOpen) { event.stopPropagation(); setOpen(false); box.current.querySelector("button").focus(); }
    if (to !== undefined && isOpen) { event.preventDefault(); entries.at(to % entries.length).focus(); }
    if (isOpen) event.stopPropagation();
  };
  return html`<div class=${cls("menu", kind)} ref=${box} onKeyDown=${move}>
    <button type="button" class=${text ? "button quiet" : "icon-button"} aria-haspopup="menu" aria-expanded=${isOpen} aria-label=${text ? undefined : label} title=${label}
      onClick=${() => setOpen(!isOpen)}>${icon && html`<${Icon} name=${icon}/>`}${text && html`<span>${text}</span>`}</button>
    ${isOpen && html`<ul role="menu" class=${cls("popup", { end })} aria-label=${label}>${items.filter(Boolean).map((item) => item.heading
      ? html`<li role="presentation" class="heading">${item.heading}</li>`
      : html`<li role="none"><button type="button" tabindex="-1" class=${cls({ danger: item.danger })} role=${item.checked === undefined ? "menuitem" : "menuitemradio"} aria-checked=${item.checked}
        onClick=${() => { setOpen(false); box.current.querySelector("button").focus(); item.act(); }}>
        <span class="mark">${item.checked ? html`<${Icon} name="check" size="16"/>` : item.icon && html`<${Icon} name=${item.icon} size="16"/>`}</span>${item.label}</button></li>`)}</ul>`}</div>`;
}

const toasts = signal([]);
let last = 0;
// Says something at the lower edge. kind: "" | "good" | "bad"; `action {label, act}`; `ms` 0 keeps it until it is closed. Returns how to take it away.
export function toast({ text, detail = "", kind = "", action = null, ms = 6000 }) {
  const id = last += 1;
  const away = () => { toasts.value = toasts.value.filter((one) => one.id !== id); };
  toasts.value = [...toasts.value.slice(-3), { id, text, detail, kind, action, ms, away }];
  if (ms) setTimeout(away, ms);
  return away;
}

const said = signal("");
let saidAt = 0, waiting = null;
// For who listens: politely, at most one sentence in five seconds, the newest wins.
export function announce(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => { saidAt = Date.now(); said.value = text; }, Math.max(50, saidAt + 5000 - Date.now()));
}

export const Toasts = () => html`<div class="toasts" role="region" aria-label=${t("notices")}>${toasts.value.map((one) => html`
  <div key=${one.id} class=${cls("toast", one.kind)} role=${one.kind === "bad" ? "alert" : "status"}>
    <p><b>${one.text}</b>${one.detail && html`<span>${one.detail}</span>`}</p>
    ${one.action && html`<button type="button" class="button" onClick=${() => { one.away(); one.action.act(); }}>${one.action.label}</button>`}
    <${IconButton} icon="close" label=${t("close")} onClick=${one.away}/>
    ${one.action && one.ms > 0 && html`<i style=${{ animationDuration: `${one.ms}ms` }}></i>`}
  </div>`)}</div><p class="unseen" aria-live="polite">${said.value}</p>`;

export const Empty = ({ icon = "check", title, children }) => html`<div class="empty"><${Icon} name=${icon} size="28"/><b>${title}</b><p>${children}</p></div>`;

// A problem of the API in words: what happened, what to do, and the way to try again.
export const Trouble = ({ error, onRetry }) => html`<div class="trouble" role="alert"><b>${error.title || t(error.isAway ? "trouble.away" : "trouble.other")}</b>
  <p>${error.detail || t(error.isAway ? "trouble.awayHint" : "trouble.otherHint", { status: error.status })}</p>
  ${onRetry && html`<${Button} icon="refresh" onClick=${onRetry}>${t("retry")}<//>`}</div>`;
