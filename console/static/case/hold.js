// Ten seconds to take a command back: it is held here, not sent, while the toast counts down; what is held when the page goes is sent then and there.
import { newKey } from "../lib/api.js";
import { signal } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { toast } from "../lib/ui.js";

const HOLD_MS = 10_000;
export const held = signal([]); // [{key, text, at, now(), undo()}], the newest last

/** Hold `send(key, {keepalive})` for ten seconds. `onUndo` gives back what was typed. Returns the held one. */
export function hold({ text, detail = "", send, onUndo }) {
  const key = newKey();
  let timer = null, away = null;
  const leave = () => {
    clearTimeout(timer);
    away();
    held.value = held.value.filter((one) => one.key !== key);
  };
  const now = (options = {}) => { leave(); return send(key, options); };
  const undo = () => { leave(); onUndo(); };
  away = toast({ text, detail, ms: HOLD_MS, action: { label: t("undo"), act: undo } });
  timer = setTimeout(now, HOLD_MS);
  const one = { key, text, at: Date.now(), now, undo };
  held.value = [...held.value, one];
  return one;
}

addEventListener("pagehide", () => held.value.forEach((one) => one.now({ keepalive: true })));
