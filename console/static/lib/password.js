// A password of one's own: the old one, the new one twice; what the server says of it in plain words. The account's other sessions end.
import { ApiError, post } from "./api.js";
import { html, useState } from "./dom.js";
import { lang, t } from "./i18n.js";
import { Button, Dialog, toast } from "./ui.js";

const LEAST = 15, MOST = 200, FEW = 5;

const letters = (text) => [...text.normalize("NFKC")];

// What is wrong with what was typed, before anybody is asked: {name of the field: words}.
function mistakes({ old, fresh, again }, account) {
  const count = letters(fresh).length;
  if (!old) return { old: t("password.oldMissing") };
  if (count < LEAST || count > MOST) return { fresh: t("password.length", { n: count, least: LEAST, most: MOST }) };
  if (new Set(letters(fresh)).size < FEW || fresh.normalize("NFKC").toLowerCase().includes(account)) return { fresh: t("password.easy") };
  if (old.normalize("NFKC") === fresh.normalize("NFKC")) return { fresh: t("password.same") };
  if (fresh !== again) return { again: t("password.differs") };
  return {};
}

function refused(error) {
  if (error.type.endsWith(":wrong_password")) return { old: t("password.wrong") };
  if (error.status === 429) return { old: t("login.many", { n: error.retryAfter ?? 60 }) };
  if (error.isAway) return { form: `${t("trouble.away")}${lang === "zh" ? "。" : ". "}${t("trouble.awayHint")}` };
  return { form: error.detail || error.message };
}

export function Password({ account, onClose }) {
  const [typed, setTyped] = useState({ old: "", fresh: "", again: "" }), [wrong, setWrong] = useState({}), [isShown, show] = useState(false), [busy, setBusy] = useState(false);
  const set = (name) => (event) => { setTyped((before) => ({ ...before, [name]: event.target.value })); setWrong({}); };
  const complain = (found) => {
    setWrong(found);
    document.querySelector(`.password [name=${Object.keys(found)[0]}]`)?.focus();
  };
  const submit = async () => {
    if (busy) return;
    const found = mistakes(typed, account);
    if (Object.keys(found).length) { complain(found); return; }
    setBusy(true);
    try {
      const { ended } = await post("/password", { old: typed.old, new: typed.fresh });
      onClose();
      toast({ text: t("password.done"), detail: ended ? t("password.ended", { n: ended }) : "", kind: "good" });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setBusy(false);
      complain(refused(error));
    }
  };
  const field = (name, complete) => html`<div class="field"><label for=${`password-${name}`}>${t(`password.${name}`)}</label>
    <input id=${`password-${name}`} name=${name} type=${isShown ? "text" : "password"} autocomplete=${complete} autofocus=${name === "old"} autocapitalize="none" spellcheck="false"
      aria-invalid=${Boolean(wrong[name])} aria-describedby=${`password-${name}-says`} value=${typed[name]} onInput=${set(name)}/>
    <p id=${`password-${name}-says`} class=${wrong[name] ? "bad-field" : "hint"} role=${wrong[name] ? "alert" : undefined}>${wrong[name] ?? (name === "fresh" ? t("password.hint", { least: LEAST }) : "")}</p></div>`;
  return html`<${Dialog} title=${t("password.title")} onClose=${onClose} onSubmit=${submit}
    footer=${html`<${Button} onClick=${onClose}>${t("cancel")}<//><${Button} type="submit" kind="main" busy=${busy}>${t("password.submit")}<//>`}>
    <input type="text" name="username" autocomplete="username" value=${account} readonly hidden/>
    <div class="password">${field("old", "current-password")}${field("fresh", "new-password")}${field("again", "new-password")}
      <label class="tick"><input type="checkbox" checked=${isShown} onChange=${(event) => show(event.target.checked)}/><span>${t("login.show")}</span></label></div>
    ${wrong.form && html`<p class="bad-field" role="alert">${wrong.form}</p>`}<p class="hint">${t("password.others")}</p><//>`;
}
