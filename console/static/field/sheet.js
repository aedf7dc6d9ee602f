// The sheet that comes up from below for one act: what it needs, and one large button. What was typed stays when the sheet is closed by mistake.
import { newKey } from "../lib/api.js";
import { html, useState } from "../lib/dom.js";
import { catalogue, t, word } from "../lib/i18n.js";
import { Dialog } from "../lib/ui.js";
import { Field } from "../case/fields.js";
import { HARSH, argumentsOf, fieldsOf, missing } from "../case/forms.js";
import { photograph } from "./camera.js";
import { put } from "./outbox.js";
import { titleOf } from "./list.js";

const drafts = new Map();

/** Keeps the act in the outbox, then calls `onDone`. */
export function Sheet({ task, action, person, onClose, onDone }) {
  const key = `${task.case_id} ${action.command}`, [values, setValues] = useState(drafts.get(key) ?? {}), [wrong, setWrong] = useState("");
  const set = (name, value) => setValues((old) => {
    const now = { ...old, [name]: value };
    drafts.set(key, now);
    return now;
  });
  const send = async () => {
    const left = missing(action, values, catalogue.categories[task.category]?.nature === "instant");
    if (left.length) return setWrong(t("form.missing", { what: left.map((name) => t(`ask.${name}`)).join(t("and")) }));
    const photos = values.evidence ?? [];
    try {
      await put({ id: newKey(), person: person.id, case_id: task.case_id, type: action.command, title: titleOf(task), body: argumentsOf(values), photos });
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return setWrong(t("box.full", { why: error.message }));
    }
    drafts.delete(key);
    return onDone(action);
  };
  const about = { command: action.command, row: task, camera: true, make: (file) => photograph(file, newKey()), hint: t("photo.hint") };
  return html`<${Dialog} title=${`${word("command", action.command)} · ${titleOf(task)}`} onClose=${onClose} onSubmit=${send}
    footer=${html`<button type="submit" class=${`button big ${HARSH.has(action.command) ? "danger" : "main"}`}>${word("command", action.command)}</button>`}>
    ${fieldsOf(action).map(({ name, required }, place) => html`<${Field} key=${name} name=${name} required=${required} values=${values} set=${set} about=${about} autofocus=${place === 0}/>`)}
    ${fieldsOf(action).length === 0 && html`<p>${t("form.sure", { what: word("command", action.command) })}</p>`}
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}<//>`;
}
