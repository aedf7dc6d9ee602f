// What a command needs beside the case: its fields, and after a refusal who changed what meanwhile, with everything that was typed.
import { html, useState } from "../lib/dom.js";
import { catalogue, nameOf, t, word } from "../lib/i18n.js";
import { clock } from "../lib/time.js";
import { Button, Dialog, Shape } from "../lib/ui.js";
import { Field } from "../case/fields.js";
import { HARSH, fieldsOf, missing } from "../case/forms.js";
import { asking, give, reasonOf } from "./acts.js";

export const Asking = () => asking.value && html`<${Form} key=${`${asking.value.rows[0].case_id} ${asking.value.action.command}`} ...${asking.value}/>`;

const close = () => { asking.value = null; };
let made = 0;
const picture = async (file) => ({ id: `photo-${made += 1}`, blob: file });

function Form({ rows, action, values: given, conflict }) {
  const [values, setValues] = useState(given), [wrong, setWrong] = useState(""), [first] = rows, says = word("command", action.command);
  const set = (name, value) => { setValues((old) => ({ ...old, [name]: value })); setWrong(""); };
  const submit = () => {
    const left = missing(action, values, catalogue.categories[first.category]?.nature === "instant");
    if (left.length) { setWrong(t("form.missing", { what: left.map((name) => t(`ask.${name}`)).join(t("and")) })); return; }
    give(rows, action, values);
  };
  const about = { command: action.command, row: first, returned: first.returned_by, make: picture, suggestions: [] };
  return html`<${Dialog} title=${rows.length > 1 ? t("form.many", { what: says, n: rows.length }) : `${says} · ${nameOf("categories", first.category)}`} onClose=${close} onSubmit=${submit}
    footer=${html`<${Button} onClick=${close}>${t("cancel")}<//><${Button} type="submit" kind=${HARSH.has(action.command) ? "main harsh" : "main"}>${conflict ? t("form.again", { what: says }) : says}<//>`}>
    ${rows.length === 1 && html`<p class="about"><${Shape} severity=${first.severity} named/><span>${[nameOf("districts", first.district), first.address].filter(Boolean).join(" · ")}</span><code>${first.case_id}</code></p>`}
    ${conflict && html`<${Conflict} problem=${conflict}/>`}
    ${fieldsOf(action).map(({ name, required }, at) => html`<${Field} key=${name} name=${name} required=${required} values=${values} set=${set} about=${about} autofocus=${required && at === 0}/>`)}
    ${wrong && html`<p class="bad-field" role="alert">${wrong}</p>`}<//>`;
}

// `changed` is the fact that came between: who, what, when.
function Conflict({ problem }) {
  const { changed, state } = problem, who = changed?.actor?.name ?? changed?.actor?.id ?? "";
  return html`<div class="trouble" role="alert"><b>${changed ? t("conflict", { who, what: word("fact", changed.fact), at: clock(changed.at) }) : t("conflict.plain")}</b>
    <p>${reasonOf(problem)}${state && ` ${t("conflict.state", { state: word("state", state) })}`}</p><p>${t("conflict.kept")}</p></div>`;
}
