// A field that finds by typing: a text box with a list below it (WAI-ARIA combobox). Arrows move, Enter takes, Esc closes.
import { html, useRef, useState } from "../lib/dom.js";
import { lang, t } from "../lib/i18n.js";
import { find } from "./search.js";

let made = 0;

/** `options` [{key, zh, en, code?, hint?, disabled?}]; calls `onPick(option)`; `value` is the chosen one's key, shown by its name. */
export function Pick({ label, options, value, onPick, required = false, autofocus = false, placeholder = "" }) {
  const id = useRef(`pick-${made += 1}`).current, [typed, type] = useState(null), [at, move] = useState(0);
  const chosen = options.find((option) => option.key === value), found = typed === null ? [] : find(options, typed);
  const take = (option) => { if (option && !option.disabled) { type(null); onPick(option); } };
  const key = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (typed === null) type(""); else move((at + step + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter" && typed !== null) { event.preventDefault(); take(found[at]); }
    else if (event.key === "Escape" && typed !== null) { event.preventDefault(); event.stopPropagation(); type(null); }
  };
  return html`<div class="field pick"><label for=${id}>${label}${required && html`<i class="must" aria-hidden="true">*</i>`}</label>
    <input id=${id} type="text" role="combobox" autocomplete="off" aria-autocomplete="list" aria-expanded=${typed !== null} aria-controls=${`${id}-list`}
      aria-activedescendant=${typed !== null && found[at] ? `${id}-${at}` : undefined} aria-required=${required} autofocus=${autofocus} placeholder=${placeholder || t("pick.type")}
      value=${typed ?? (chosen ? chosen[lang] : "")} onFocus=${(event) => event.target.select()} onClick=${() => typed === null && type("")}
      onInput=${(event) => { type(event.target.value); move(0); }} onKeyDown=${key} onBlur=${() => type(null)}/>
    <ul id=${`${id}-list`} role="listbox" aria-label=${label} class="options" hidden=${typed === null}>
      ${found.map((option, place) => html`<li key=${option.key} id=${`${id}-${place}`} role="option" aria-selected=${place === at} aria-disabled=${Boolean(option.disabled)}
        onMouseDown=${(event) => { event.preventDefault(); take(option); }} onMouseMove=${() => move(place)}>
        <b>${option[lang]}</b><small>${option.hint ?? ""}</small></li>`)}
      ${typed !== null && !found.length && html`<li class="nothing" role="option" aria-selected="false" aria-disabled="true">${t("pick.none", { typed })}</li>`}
    </ul></div>`;
}
