// Single-key shortcuts, without modifiers; off while somebody types or a dialog is open. `?` lists what the page offers.
import { html, signal, useLayoutEffect } from "./dom.js";
import { t } from "./i18n.js";
import { Dialog } from "./ui.js";

export const helpIsOpen = signal(false);
const layers = [];
const typing = (target) => target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog");

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  const onControl = event.target.closest?.("button, a, [role=button]");
  if (onControl && ["Enter", " "].includes(event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  for (const layer of [...layers].reverse()) {
    const found = layer.keys[key];
    if (found) { event.preventDefault(); found.act(event); return; }
    if (layer.alone) return;
  }
});

// `useKeys([["j", "key.next", act], …])`: the keys of a part of the page while it is shown; the second is the label in the help, null hides it.
// `alone` keeps the keys of what lies below from being heard.
export function useKeys(rows, { heading = "key.page", alone = false } = {}) {
  useLayoutEffect(() => {
    const layer = { rows, heading, alone, keys: Object.fromEntries(rows.flatMap(([names, , act]) => names.split(" ").map((name) => [name === "space" ? " " : name, { act }]))) };
    layers.push(layer);
    return () => { layers.splice(layers.indexOf(layer), 1); };
  });
}

const NAMES = { Enter: "↵", Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", space: "␣" };

export function Help() {
  useKeys([["?", "key.help", () => { helpIsOpen.value = true; }]], { heading: "key.everywhere" });
  if (!helpIsOpen.value) return null;
  const shown = layers.filter((layer) => layer.rows.some(([, label]) => label));
  return html`<${Dialog} title=${t("key.title")} wide onClose=${() => { helpIsOpen.value = false; }}>
    <div class="keys">${shown.map((layer) => html`<section><h3>${t(layer.heading)}</h3><dl>${layer.rows.filter(([, label]) => label).map(([names, label]) => html`
      <div><dt>${names.split(" ").map((name) => html`<kbd>${NAMES[name] ?? name}</kbd>`)}</dt><dd>${t(label)}</dd></div>`)}</dl></section>`)}</div>
    <p class="hint">${t("key.hint")}</p><//>`;
}
