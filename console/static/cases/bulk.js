// One act on many cases: what the role may do where they stand, held for ten seconds, then sent in one request, each with an outcome of its own in its
// row. Those that were refused can be tried again, under the same ids, so that nothing happens twice.
import { newKey, post, session } from "../lib/api.js";
import { html, signal, useState } from "../lib/dom.js";
import { t, word } from "../lib/i18n.js";
import { Button, Dialog, announce, toast } from "../lib/ui.js";
import { Field } from "../case/fields.js";
import { HARSH, argumentsOf, fieldsOf, missing } from "../case/forms.js";
import { hold } from "../case/hold.js";
import { said } from "../field/words.js";
import { chosen, load, markAll, rows, settle } from "./list.js";

const OPEN = ["held", "reported", "verifying", "filed", "dispatched", "handling", "checking", "checked", "suspended"], AT_ONCE = 200;
// command -> where it is possible and who gives it; the console decides for each case.
const ACTS = {
  file: [["reported"], ["shift_lead"]], dispatch: [["filed"], ["dispatcher"]], close: [["checked"], ["shift_lead"]], verify: [["reported"], ["acceptor", "shift_lead"]],
  not_file: [["reported"], ["shift_lead"]], not_accept: [["reported"], ["acceptor"]], void: [["reported", "filed"], ["shift_lead"]], confirm: [["held"], ["acceptor", "shift_lead", "collector"]],
  remind: [OPEN, ["shift_lead", "dispatcher", "leader"]], supervise: [OPEN, ["leader"]], grant_extension: [["handling"], ["dispatcher"]], deny_extension: [["handling"], ["dispatcher"]],
  note: [OPEN, ["acceptor", "shift_lead", "dispatcher", "leader", "unit", "checker", "collector", "arbiter"]],
};
const REASONED = new Set(["not_file", "not_accept", "void"]);

export const outcomes = signal(new Map()); // case id -> {state: "waiting" | "done" | "refused", says, command}
const dialog = signal(null);

const selected = () => rows.value.filter((row) => chosen.value.has(row.case_id));
const fits = (command, row) => ACTS[command][0].includes(row.state);

function tell(ids, outcome) {
  const now = new Map(outcomes.value);
  ids.forEach((id, place) => now.set(id, typeof outcome === "function" ? outcome(id, place) : outcome));
  outcomes.value = now;
}

async function send(command, body, orders) {
  for (let from = 0; from < orders.length; from += AT_ONCE) {
    const part = orders.slice(from, from + AT_ONCE);
    try {
      const { outcomes: told } = await post("/commands", { commands: part.map(({ id, key, revision }) => ({ ...body, type: command, id: key, case_id: id, revision })) }, { limit: 60e3 });
      told.forEach((one) => one.status < 400 && settle(one.case_id, one));
      tell(part.map(({ id }) => id), (id, place) => told[place].status < 400 ? { state: "done", command } : { state: "refused", command, says: said(told[place].problem?.reason ?? told[place].problem?.detail) });
    } catch (error) {
      tell(part.map(({ id }) => id), { state: "refused", lost: true, command, says: error.detail || t(error.isAway ? "trouble.away" : "trouble.other") });
    }
  }
  conclude(command, body, orders);
}

function conclude(command, body, orders) {
  const failed = orders.filter(({ id }) => outcomes.value.get(id)?.state === "refused"), done = orders.length - failed.length;
  announce(t("bulk.outcome", { what: word("command", command), n: done, m: failed.length }));
  toast({ text: t("bulk.outcome", { what: word("command", command), n: done, m: failed.length }), kind: failed.length ? "bad" : "good", ms: failed.length ? 0 : 6000,
    ...(failed.length ? { action: { label: t("bulk.again", { n: failed.length }), act: () => again(command, body, failed) } } : {}) });
}

/** Those that failed once more: under a new id where the console has said no, for it keeps that answer with the old one. */
function again(command, body, failed) {
  const lost = new Set(failed.filter(({ id }) => outcomes.value.get(id)?.lost).map(({ id }) => id));
  tell(failed.map(({ id }) => id), { state: "waiting", command });
  const revisions = new Map(rows.value.map((row) => [row.case_id, row.revision]));
  send(command, body, failed.map((order) => ({ ...order, key: lost.has(order.id) ? order.key : newKey(), revision: lost.has(order.id) ? order.revision : revisions.get(order.id) ?? order.revision })));
}

function give(command, values, targets) {
  const orders = targets.map((row) => ({ id: row.case_id, key: newKey(), revision: row.revision })), ids = orders.map(({ id }) => id), body = argumentsOf(values);
  dialog.value = null;
  tell(ids, { state: "waiting", command });
  hold({ text: t("bulk.held", { what: word("command", command), n: targets.length }), detail: t("act.heldHint"), send: () => send(command, body, orders),
    onUndo: () => { const now = new Map(outcomes.value); ids.forEach((id) => now.delete(id)); outcomes.value = now; } });
}

export function BulkBar() {
  const list = selected(), role = session.value?.person?.role;
  if (!list.length) return null;
  const possible = Object.keys(ACTS).filter((command) => ACTS[command][1].includes(role) && list.some((row) => fits(command, row)));
  return html`<div class="bulk" role="group" aria-label=${t("bulk.title")}><b>${t("bulk.chosen", { n: list.length })}</b>
    ${possible.map((command) => html`<${Button} key=${command} kind=${HARSH.has(command) ? "danger" : ""} onClick=${() => { dialog.value = { command }; }}>${word("command", command)} <small>${list.filter((row) => fits(command, row)).length}</small><//>`)}
    <span class="gap"></span><${Button} kind="quiet" keys="Esc" onClick=${() => markAll(false)}>${t("bulk.none")}<//>
    ${dialog.value && html`<${Ask} key=${dialog.value.command} command=${dialog.value.command} list=${list}/>`}</div>`;
}

function Ask({ command, list }) {
  const targets = list.filter((row) => fits(command, row)), left = list.length - targets.length, action = { command, needs: [], reason_required: REASONED.has(command) };
  const [values, setValues] = useState({}), [wrong, setWrong] = useState(""), set = (name, value) => setValues((old) => ({ ...old, [name]: value })), close = () => { dialog.value = null; };
  const alike = new Set(targets.map((row) => row.category)).size === 1; // a condition belongs to one category
  const fields = fieldsOf(action).filter(({ name }) => name !== "evidence" && (name !== "condition" || alike) && name !== "severity");
  const submit = () => {
    const lacks = missing(action, values).filter((name) => name !== "evidence");
    if (lacks.length) return setWrong(t("form.missing", { what: lacks.map((name) => t(`ask.${name}`)).join(t("and")) }));
    return give(command, values, targets);
  };
  return html`<${Dialog} title=${t("bulk.ask", { what: word("command", command), n: targets.length })} onClose=${close} onSubmit=${submit}
    footer=${html`<${Button} onClick=${close}>${t("cancel")}<//><button type="submit" class=${`button ${HARSH.has(command) ? "danger" : "main"}`}>${t("bulk.do", { what: word("command", command), n: targets.length })}</button>`}>
    ${left > 0 && html`<p class="hint">${t("bulk.left", { n: left })}</p>`}
    ${fields.map(({ name, required }, place) => html`<${Field} key=${name} name=${name} required=${required} values=${values} set=${set} about=${{ command, row: targets[0] }} autofocus=${place === 0}/>`)}
    ${fields.length === 0 && html`<p>${t("bulk.sure", { what: word("command", command), n: targets.length })}</p>`}
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}<//>`;
}

export const refresh = () => { outcomes.value = new Map(); return load(); };
