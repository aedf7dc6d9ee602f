// Everything that was reported of the case, each with why it belongs here; cases merged into it, to be taken apart again; and likely duplicates to decide.
import { html } from "../lib/dom.js";
import { hasWord, nameOf, t, word } from "../lib/i18n.js";
import { full, when } from "../lib/time.js";
import { Button, Shape, StateChip } from "../lib/ui.js";
import { begin } from "./act.js";
import { Personal, isMask } from "./facts.js";

/** "same_place 12 m 340 s" -> "同一地点 · 12 m 340 s": the rule by its name, its numbers as they are. */
export function because(reason) {
  if (!reason) return "";
  const [rule, ...rest] = reason.split(" ");
  return hasWord(`rule.${rule}`) ? [word("rule", rule), rest.join(" ")].filter(Boolean).join(" · ") : reason;
}

const Said = ({ statement, at }) => html`<blockquote>${statement.description && html`<p>${statement.description}</p>`}
  ${isMask(statement.reporter) ? html`<footer><span>${t("reporter.whole")} <${Personal} value=${statement.reporter} path=${`statements.${at}.reporter`}/></span></footer>` : statement.reporter && html`<footer>${["name", "phone"].filter((field) => statement.reporter[field]).map((field) => html`<span key=${field}>${t(`reporter.${field}`)} <${Personal} value=${statement.reporter[field]} path=${`statements.${at}.reporter.${field}`}/></span>`)}</footer>`}</blockquote>`;

export function Reports({ reports, merged, known, mayUnmerge }) {
  return html`<section class="panel reports" aria-labelledby="reports-title"><h2 id="reports-title">${t("reports.title")} <b>${reports.length + merged.length}</b></h2>
    <ul>${reports.map((one) => html`<li key=${one.source}><p class="line"><b>${word("channel", one.channel)}</b> <code>${one.source}</code><span class="why">${because(one.reason)}</span></p>
      <p class="meta"><span title=${full(one.first)}>${when(one.first)}</span>${one.last !== one.first && html` – <span title=${full(one.last)}>${when(one.last)}</span>`} · ${t("task.count", { n: one.count ?? 1 })}</p>
      ${one.statement && html`<${Said} statement=${one.statement} at=${known.statements.findIndex((each) => each.id === one.statement.id)}/>`}</li>`)}
    ${merged.map(({ row, at, actor, reason }) => html`<li key=${row.case_id} class="was-case"><p class="line"><b>${t("reports.merged")}</b> <a href=${`/case/${row.case_id}`}>${row.case_id}</a><span class="why">${because(reason) || t("reports.byPerson")}</span></p>
      <p class="meta">${nameOf("categories", row.category)} · ${row.address ?? ""} · ${at ? when(at) : ""} ${actor?.id ?? ""}</p>
      ${mayUnmerge && html`<${Button} onClick=${() => begin({ command: "unmerge", needs: ["reason"], reason_required: true }, { target: row.case_id })}>${t("command.unmerge")}<//>`}</li>`)}</ul></section>`;
}

export function Suggestions({ suggestions, actions }) {
  const may = (name) => actions.find((action) => action.command === name), [yes, no] = [may("confirm_duplicate"), may("refuse_duplicate")];
  if (!suggestions.length) return null;
  return html`<section class="panel suggestions" aria-labelledby="suggestions-title"><h2 id="suggestions-title">${t("suggest.title")} <b>${suggestions.length}</b></h2><p class="hint">${t("suggest.hint")}</p>
    <ul>${suggestions.map(({ row, distance_m, minutes, score }) => html`<li key=${row.case_id}>
      ${row.picture && html`<img src=${`/api/v1/evidence/${row.picture}/thumbnail`} alt="" width="84" height="63" loading="lazy"/>`}
      <div><p class="line"><${Shape} severity=${row.severity}/><a href=${`/case/${row.case_id}`}>${nameOf("categories", row.category)}</a><${StateChip} state=${row.state}/></p>
        <p class="meta">${t("suggest.apart", { m: distance_m, n: minutes })}${score === null || score === undefined ? "" : ` · ${t("suggest.score", { n: Math.round(score * 100) })}`} · ${row.address ?? ""}</p>
        <p class="meta"><code>${row.case_id}</code></p></div>
      <div class="buttons">${yes && html`<${Button} icon="check" onClick=${() => begin(yes, { other: row.case_id })}>${t("command.confirm_duplicate")}<//>`}
        ${no && html`<${Button} icon="close" onClick=${() => begin(no, { other: row.case_id })}>${t("command.refuse_duplicate")}<//>`}</div></li>`)}</ul></section>`;
}
