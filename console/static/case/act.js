// The acts on a case: only those valid for its state and this person's role, as the console says. A dialog gathers what one needs; it is then held for
// ten seconds. What was typed outlives everything: a closed dialog, a conflict, a page that was left by mistake.
import { command, newKey, post, session } from "../lib/api.js";
import { cls, html, signal, useState } from "../lib/dom.js";
import { catalogue, t, word } from "../lib/i18n.js";
import { when } from "../lib/time.js";
import { Button, Dialog, Menu, announce, toast } from "../lib/ui.js";
import { said } from "../field/words.js";
import { id, load, present, view } from "./data.js";
import { Field } from "./fields.js";
import { HARSH, argumentsOf, fieldsOf, missing, sorted } from "./forms.js";
import { held, hold } from "./hold.js";

const UPLOAD_MS = 120e3;
export const dialog = signal(null); // {action, values, conflict}
const draftOf = (name) => `cityloop.draft ${id} ${name}`;

function draft(name) {
  try { return JSON.parse(sessionStorage.getItem(draftOf(name))) ?? {}; } catch { return {}; }
}

function keep(name, values) {
  const { evidence: _, ...words } = values; // photos cannot be kept as text
  try { sessionStorage.setItem(draftOf(name), JSON.stringify(words)); } catch { /* a private window keeps nothing */ }
}

/** Open the dialog of an act; `values` come beside what was typed before. */
export function begin(action, values = {}) {
  dialog.value = { action, values: { ...draft(action.command), ...values }, conflict: null };
  present("handling");
}

export function close() {
  dialog.value = null;
  present("viewing");
}

/** Hold the command, then send it; a refusal opens the dialog again as it was, with the reason in words. */
export function give(action, values, evidence, target = id) {
  const revision = target === id ? view.value.row.revision : null, body = { type: action.command, ...argumentsOf(values), ...(evidence.length ? { evidence } : {}) };
  const back = (conflict) => { dialog.value = { action, values, conflict }; present("handling"); };
  const send = async (key, { keepalive = false } = {}) => {
    try {
      const done = await command(target, body, { key, revision, keepalive });
      sessionStorage.removeItem(draftOf(action.command));
      announce(t("act.done", { what: word("command", action.command) }));
      await load(target === id ? done.sequence : 0);
    } catch (error) {
      await load();
      if (error.isConflict || error.status === 422) return back(error.problem);
      return toast({ text: t("act.failed", { what: word("command", action.command) }), detail: error.detail || t(error.isAway ? "trouble.awayHint" : "trouble.otherHint", { status: error.status }),
        kind: "bad", ms: 0, action: { label: t("retry"), act: () => send(key) } });
    }
    return undefined;
  };
  close();
  if (isUrgent(view.value.row)) { send(newKey()); return; }
  hold({ text: t("act.held", { what: word("command", action.command) }), detail: t("act.heldHint"), send, onUndo: () => back(null) });
}

const EARLY = new Set(["held", "reported", "verifying", "filed", "dispatched"]);
/** Until somebody is on the way to an emergency ten seconds are too many: its acts are sent at once. */
const isUrgent = (row) => row.severity === "emergency" && EARLY.has(row.state);

const stored = (photo) => {
  const form = new FormData();
  form.append("file", photo.blob, photo.blob.name ?? "photo.jpg");
  form.append("case_id", id);
  return post("/evidence", form, { limit: UPLOAD_MS });
};

/** Who changed what meanwhile, and why it was refused; what was typed stands below it, untouched. */
export const Conflict = ({ conflict }) => html`<div class="conflict" role="alert"><b>${t("conflict.title")}</b><p>${said(conflict.reason ?? conflict.detail)}</p>
  ${conflict.changed && html`<p>${t("conflict.changed", { who: conflict.changed.actor?.id ?? conflict.changed.actor, what: word("fact", conflict.changed.fact), at: when(conflict.changed.at) })}</p>`}
  ${conflict.state && html`<p>${t("conflict.state", { state: word("state", conflict.state) })}</p>`}<p>${t("conflict.kept")}</p></div>`;

export function ActDialog() {
  if (!dialog.value) return null;
  return html`<${Form} key=${`${dialog.value.action.command} ${dialog.value.conflict ? "again" : ""}`} ...${dialog.value}/>`;
}

function Form({ action, values: first, conflict }) {
  const [values, setValues] = useState(first), [wrong, setWrong] = useState(""), [busy, setBusy] = useState(false), { row, suggestions } = view.value;
  const set = (name, value) => setValues((old) => {
    const now = { ...old, [name]: value };
    keep(action.command, now);
    return now;
  });
  const submit = async () => {
    const left = missing(action, values, catalogue.categories[row.category]?.nature === "instant");
    if (left.length) return setWrong(t("form.missing", { what: left.map((name) => t(`ask.${name}`)).join(t("and")) }));
    setBusy(true);
    try {
      const evidence = await Promise.all((values.evidence ?? []).map(stored));
      return give(action, values, evidence.map(({ sha256, url, media_type, captured_at, lon, lat }) => ({ sha256, url, media_type, captured_at, lon, lat })), first.target);
    } catch (error) {
      setBusy(false);
      return setWrong(error.detail || error.title || t(error.isAway ? "trouble.awayHint" : "trouble.otherHint", { status: error.status }));
    }
  };
  const returned = view.value.case.returned_by ?? [];
  const about = { command: action.command, row, suggestions, returned, camera: false, hint: t("photo.deskHint"), make: async (file) => ({ id: newKey(), blob: file, lon: null, lat: null, desk: true }) };
  const fields = fieldsOf(action).filter((field) => !(field.name === "other" && first.other));
  return html`<${Dialog} title=${t("act.title", { what: word("command", action.command), number: id })} onClose=${close} onSubmit=${submit}
    footer=${html`<${Button} onClick=${close}>${t("cancel")}<//><button type="submit" class=${cls("button", HARSH.has(action.command) ? "danger" : "main")} disabled=${busy}>${t(busy ? "photo.working" : `command.${action.command}`)}</button>`}>
    ${conflict && html`<${Conflict} conflict=${conflict}/>`}
    ${fields.map(({ name, required }, place) => html`<${Field} key=${name} name=${name} required=${required} values=${values} set=${set} about=${about} autofocus=${place === 0}/>`)}
    ${fields.length === 0 && html`<p>${t("form.sure", { what: word("command", action.command) })}</p>`}
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}<//>`;
}

const MOST = 4, LEAST = 3;

/** What is a button and what stands in the menu: the way forward, what goes beside it, and where both are few the most usual of the rest. */
function laidOut() {
  const { forward, beside, more } = sorted(view.value.actions), main = [...forward, ...beside], shown = [...main, ...more.slice(0, Math.max(0, LEAST - main.length))].slice(0, MOST);
  return { shown, hidden: [...main, ...more].filter((action) => !shown.includes(action)) };
}

/** The bar of acts: the way forward as buttons, the rest in a menu. While one is held nothing else can be begun. */
export function Acts() {
  const { forward, beside, more } = sorted(view.value.actions), waiting = held.value.at(-1);
  if (waiting) return html`<div class="acts held" role="status"><p>${waiting.text}</p><${Button} onClick=${() => waiting.now()}>${t("act.now")}<//><${Button} keys="z" onClick=${() => waiting.undo()}>${t("undo")}<//></div>`;
  if (!forward.length && !beside.length && !more.length) return html`<p class="acts none">${t("act.none", { role: word("role", session.value?.person?.role) })}</p>`;
  const { shown, hidden } = laidOut();
  return html`<div class="acts" role="group" aria-label=${t("act.group")}>${shown.map((action, place) => html`<${Button} key=${action.command} keys=${String(place + 1)}
      kind=${place === 0 && forward.length ? "main" : HARSH.has(action.command) ? "danger" : ""} onClick=${() => begin(action)}>${word("command", action.command)}<//>`)}
    ${hidden.length > 0 && html`<${Menu} label=${t("act.more")} icon="more" text=${t("act.more")} items=${hidden.map((action) => ({ label: word("command", action.command), danger: HARSH.has(action.command), act: () => begin(action) }))}/>`}</div>`;
}

/** The acts by number, for the keyboard. */
export const byNumber = (number) => {
  const action = view.value && laidOut().shown[number - 1];
  if (action && !held.value.length) begin(action);
};
