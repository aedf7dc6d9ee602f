// How a page begins: words, session and catalogue at once, then the page; the city's clock and the appearance are kept right while it lives.
import { get, loadSession } from "./api.js";
import { html, render, signal } from "./dom.js";
import { loadWords, t, useCatalogue } from "./i18n.js";
import { setCityClock } from "./time.js";
import { Toasts, Trouble } from "./ui.js";
import { applyLook } from "./look.js";

const CLOCK_EVERY_MS = 20_000;
export const audit = signal(null); // the audit's figures and the city's clock, as the server last said them

// `start(App)` for a page of signed-in people; `ready` runs when words, names and session are there, before anything is drawn; `signedIn: false` for the page where they sign in.
export async function start(App, { signedIn = true, ready = () => {} } = {}) {
  applyLook();
  const root = document.getElementById("app");
  try {
    const [, , catalogue] = await Promise.all([loadWords(), signedIn && loadSession(), signedIn && get("/catalogue")]);
    useCatalogue(catalogue);
    if (signedIn) await keepTime();
  } catch (error) {
    if (error.status === 401) return; // on the way to the sign-in
    render(html`<main class="alone"><${Trouble} error=${error} onRetry=${() => location.reload()}/></main>`, root);
    throw error;
  }
  root.replaceChildren();
  ready();
  render(html`<${App}/><${Toasts}/>`, root);
  document.body.dataset.ready = "yes";
}

async function keepTime() {
  setTimeout(keepTime, CLOCK_EVERY_MS);
  if (document.hidden && audit.value) return;
  const found = await get("/audit").catch(() => null); // the pill says when the server is away
  if (!found) return;
  setCityClock(found.now, found.speed);
  audit.value = found;
}

export const title = (text) => { document.title = text ? `${text} · ${t("title")}` : t("title"); };
