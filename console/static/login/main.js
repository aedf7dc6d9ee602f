// The sign-in page: account and password, one plain answer when they are wrong, and back to where the person wanted to go.
import { ApiError, post, session } from "../lib/api.js";
import { start, title } from "../lib/boot.js";
import { cls, html, useState } from "../lib/dom.js";
import { chooseLanguage, lang, t } from "../lib/i18n.js";
import { Button, IconButton } from "../lib/ui.js";

// Only an address of this console: a path that begins with one slash and names no other host.
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(wanted) && !wanted.startsWith("/login") ? wanted : "/";
}

function complaint(error) {
  if (error.status === 401 || error.status === 403 || error.status === 422) return t("login.wrong");
  if (error.status === 429) return t("login.many", { n: error.retryAfter ?? 60 });
  return `${t("trouble.away")}。${t("trouble.awayHint")}`.replace("。", lang === "zh" ? "。" : ". ");
}

function Login() {
  const [account, setAccount] = useState(""), [password, setPassword] = useState(""), [shown, show] = useState(false);
  const [wrong, setWrong] = useState(""), [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (!account.trim() || !password) { setWrong(t("login.missing")); return; }
    setBusy(true);
    try {
      session.value = await post("/session", { account: account.trim(), password });
      location.assign(next());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setWrong(complaint(error));
      setBusy(false);
    }
  };
  return html`<main class="login" id="main">
    <section class="card"><img src="/static/mark.svg" alt="" width="56" height="56"/>
      <h1>${t("title")}</h1><p class="line">${t("login.line")}</p>
      <form onSubmit=${submit} aria-label=${t("login.title")}>
        <label class="field"><span>${t("login.account")}</span><input name="account" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus value=${account} onInput=${(event) => setAccount(event.target.value)}/></label>
        <div class="field"><label for="password">${t("login.password")}</label><div class="secret"><input id="password" name="password" type=${shown ? "text" : "password"} autocomplete="current-password" value=${password} onInput=${(event) => setPassword(event.target.value)}/>
          <${IconButton} icon="eye" label=${t(shown ? "login.hide" : "login.show")} aria-pressed=${shown} onClick=${() => show(!shown)}/></div></div>
        <p class=${cls("bad-field")} role="alert">${wrong}</p>
        <${Button} kind="main" type="submit" busy=${busy}>${t("login.submit")}<//>
      </form>
      <p class="note">${t("login.note")}</p>
    </section>
    <button type="button" class="button quiet language" lang=${lang === "zh" ? "en" : "zh-CN"} onClick=${() => chooseLanguage(lang === "zh" ? "en" : "zh")}>${lang === "zh" ? "English" : "中文"}</button></main>`;
}

await start(Login, { signedIn: false });
title(t("login.title"));
