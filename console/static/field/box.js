// What waits on the phone, what was sent and what was refused, in words; the person sends again or takes back.
import { cls, html } from "../lib/dom.js";
import { t, word } from "../lib/i18n.js";
import { Icon } from "../lib/icons.js";
import { Button } from "../lib/ui.js";
import { again, drop } from "./outbox.js";
import { box, online, others } from "./work.js";
import { said, since } from "./words.js";

const LOOK = { waiting: ["clock", ""], sent: ["check", "good"], refused: ["close", "bad"] };

function stateOf(item) {
  if (item.state === "sent") return t("box.sent", { at: since(item.sent_at) });
  if (item.state === "refused") return t("box.refused");
  if (item.behind) return t("box.behind");
  if (item.asked) return t("box.asked");
  return t(online.value ? item.tries ? "box.later" : "box.sending" : "box.offline");
}

/** Why it was refused, and what happened to the case meanwhile. */
function Why({ problem }) {
  const { changed } = problem, reason = said(problem.reason ?? problem.detail ?? problem.title) || t("box.noReason", { status: problem.status });
  return html`<div class="why"><p>${reason}</p>${changed && html`<p>${t("conflict.changed", { who: changed.actor?.name ?? changed.actor?.id ?? changed.actor, what: word("fact", changed.fact), at: since(changed.at) })}</p>`}
    ${problem.state && html`<p>${t("conflict.state", { state: word("state", problem.state) })}</p>`}</div>`;
}

function Item({ item, onRefresh }) {
  const [icon, kind] = LOOK[item.state], photos = item.photos.length;
  return html`<li class=${cls("item", kind)} data-state=${item.state}><${Icon} name=${icon} size="22"/>
    <div><h3><a href=${`#${item.case_id}`}>${word("command", item.type)} · ${item.title}</a></h3>
      <p class="meta">${since(item.created_at)}${photos > 0 && ` · ${t("box.photos", { n: photos })}`}</p>
      <p class="now">${stateOf(item)}</p>${item.problem && item.state === "refused" && html`<${Why} problem=${item.problem}/>`}
      ${item.state !== "sent" && html`<div class="buttons">${item.state === "refused" && html`<${Button} icon="refresh" onClick=${async () => { await again(item); onRefresh(); }}>${t("box.again")}<//>`}
        <${Button} onClick=${() => drop(item)}>${t(item.state === "refused" ? "box.drop" : "box.back")}<//></div>`}
    </div></li>`;
}

export const Box = ({ onRefresh }) => html`<section class="box" aria-labelledby="box-title"><h2 id="box-title" class="unseen">${t("box.title")}</h2>
  ${others.value > 0 && html`<p class="notice">${t("box.others", { n: others.value })}</p>`}
  ${box.value.length ? html`<ol>${[...box.value].reverse().map((item) => html`<${Item} key=${item.seq} item=${item} onRefresh=${onRefresh}/>`)}</ol>` : html`<p class="empty-words">${t("box.empty")}</p>`}</section>`;
