// The deadline as a ring that fills, and its whole story: every interval that counted or did not, and why (incidents/deadline_story.py).
import { cls, html, signal } from "../lib/dom.js";
import { named, t, word } from "../lib/i18n.js";
import { clock, day, full, longDay, remaining, span, tick } from "../lib/time.js";
import { Dialog } from "../lib/ui.js";

const ROUND = 2 * Math.PI * 26, SECOND = 1000;
const isOpen = signal(false);

/** How a limit reads: "4 work hours, extended once". */
const limitOf = (story) => [`${story.clock.limit} ${word("clock", story.clock.kind)}`, story.clock.ends && story.clock.kind === "work_day" ? word("ends", story.clock.ends) : "",
  story.extensions ? t("story.extended", { n: story.extensions }) : ""].filter(Boolean).join(t("and"));

export function Ring({ story, row }) {
  tick.value;
  if (!story) return html`<div class="ring none"><p><b>${t("due.none")}</b><small>${t("story.noneHint")}</small></p></div>`;
  const paused = row.state === "suspended", ended = Boolean(row.ended_at);
  const { left, says } = remaining(story.due_at), used = paused || ended ? Math.min(1, story.counted_s / story.limit_s) : share(story, left);
  const light = paused ? "paused" : ended ? "ended" : left <= 0 || row.overdue ? "over" : used >= 0.8 ? "soon" : "fine";
  return html`<button type="button" class=${cls("ring", light)} onClick=${() => { isOpen.value = true; }} title=${full(story.due_at)}>
    <svg viewBox="0 0 64 64" width="64" height="64" aria-hidden="true"><circle class="rail" cx="32" cy="32" r="26"/><circle class="used" cx="32" cy="32" r="26" stroke-dasharray=${`${used * ROUND} ${ROUND}`} transform="rotate(-90 32 32)"/>
      <text x="32" y="37" text-anchor="middle">${paused ? "Ⅱ" : `${Math.round(used * 100)}%`}</text></svg>
    <p><b>${paused ? t("story.paused") : ended ? t(row.overdue ? "story.endedLate" : "story.ended") : says}</b><span>${t("story.due", { at: `${longDay(story.due_at)} ${clock(story.due_at)}` })}</span><small>${limitOf(story)} · ${t("story.why")}</small></p></button>
    ${isOpen.value && html`<${Story} story=${story} row=${row}/>`}`;
}

/** The share of the limit that is gone now: what had been counted when each interval ended, and of the running one what has passed. */
function share(story, left) {
  if (left <= 0) return 1;
  const now = Date.parse(story.due_at) - left, counted = story.spans.filter((one) => one.counted && Date.parse(one.begins) < now)
    .reduce((sum, one) => sum + Math.min(now, one.ends ? Date.parse(one.ends) : now) - Date.parse(one.begins), 0);
  return Math.min(1, Math.max(0.01, counted / SECOND / story.limit_s));
}

const moments = (one) => {
  const same = one.ends && day(one.begins) === day(one.ends);
  return `${day(one.begins)} ${clock(one.begins)} – ${one.ends ? `${same ? "" : `${day(one.ends)} `}${clock(one.ends)}` : t("story.open.end")}`;
};

export const Story = ({ story, row }) => html`<${Dialog} title=${t("story.title", { number: row.case_id })} wide onClose=${() => { isOpen.value = false; }}>
  <p>${t("story.line", { limit: limitOf(story), began: full(story.clock.began_at), due: full(story.due_at) })}</p>
  ${story.recomputed_at !== story.due_at && html`<p class="warn">${t("story.moved", { at: full(story.recomputed_at) })}</p>`}
  <${Spans} story=${story}/><p class="hint">${t("story.calendar", { version: story.calendar ?? t("story.noCalendar"), zone: story.zone })}</p><//>`;

export const Spans = ({ story }) => html`<table class="spans"><caption class="unseen">${t("story.caption")}</caption><thead><tr><th scope="col">${t("story.when")}</th><th scope="col">${t("story.reason")}</th><th scope="col" class="n">${t("story.counts")}</th><th scope="col" class="n">${t("story.total")}</th></tr></thead>
  <tbody>${story.spans.map((one) => html`<tr key=${one.begins} class=${cls({ counted: one.counted })}><td>${moments(one)}</td><td>${word("why", one.why)}${one.name ? ` · ${named(one.name)}` : ""}</td>
    <td class="n">${one.counted && one.ends ? span(Date.parse(one.ends) - Date.parse(one.begins)) : "–"}</td><td class="n">${span(one.total_s * SECOND)}</td></tr>`)}</tbody></table>`;
