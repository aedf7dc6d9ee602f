// The page: a snapshot, then the feed behind it. Every fact of a case newer than what is known moves its dot, the bars and the list.
import { GROUPS, countDistricts, drawCase, drawDistricts, eraseCase, groupOf } from "./map.js";
import { cityName, dayOf, lang, loadWords, make, nameOf, number, t, timeOf } from "./words.js";

const ENDED = ["closed", "not_filed", "void", "merged"], QUIET = ["sighted", "updated", "noted"];
const STAGES = ["reported", "verifying", "filed", "dispatched", "handling", "checking", "checked", "suspended", "held", "closed", "not_filed", "void", "merged"];
const BAD = ["overdue", "escalated", "returned", "check_failed", "voided", "not_filed", "not_accepted", "not_found", "suspended", "extension_requested"];
const FADE_MS = 6000, ROWS = 80, STALE_MS = 32000, LOST_MS = 10000, RETRY_MS = 2000;
const part = (id) => document.getElementById(id), list = part("facts");
let cases = new Map(), states = {}, waiting = [], announced = { opened: 0, closed: 0 }, drawn = true, audit = null, auditAt = 0;
let feed, heard = Date.now(), lost = 0, skew = 0, behind = 0; // the last sign of life, since when there is none, this clock's error, in ms

async function load() {
  try {
    const answer = await fetch("api/v1/cases", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const found = await answer.json();
    for (const id of cases.keys()) eraseCase(id);
    [cases, states, waiting] = [new Map(), { ...found.states }, []];
    for (const one of found.cases) cases.set(one.case_id, one);
    for (const one of cases.values()) if (!ENDED.includes(one.state)) drawCase(one, false);
    list.replaceChildren();
    found.facts.reverse().forEach(tell);
    follow(answer.headers.get("X-Cursor"));
    redraw();
    document.body.dataset.ready = "yes";
  } catch {
    again();
  }
}

function again() {
  feed?.close();
  lost ||= Date.now();
  setTimeout(load, RETRY_MS * (1 + Math.random()));
}

function follow(cursor) {
  feed = new EventSource(`api/v1/feed?cursor=${cursor}`);
  feed.onopen = () => [heard, lost] = [Date.now(), 0];
  feed.onerror = () => { lost ||= Date.now(); if (feed.readyState === EventSource.CLOSED) again(); };
  feed.addEventListener("resync", again);
  feed.addEventListener("ping", (event) => [heard, lost, skew] = [Date.now(), 0, JSON.parse(event.data).now - Date.now()]);
  feed.addEventListener("fact", (event) => {
    [heard, lost] = [Date.now(), 0];
    behind = Math.max(0, heard + skew - Number(event.lastEventId.split("-")[0])) / 1000;
    apply(JSON.parse(event.data));
  });
}

function apply(frame) {
  const known = cases.get(frame.case_id);
  if (known && known.sequence >= frame.sequence) return;
  const one = { ...known, ...frame, overdue: (known?.overdue ?? false) || ["overdue", "escalated"].includes(frame.fact) };
  cases.set(frame.case_id, one);
  if (known) states[known.state] -= 1;
  states[one.state] = (states[one.state] ?? 0) + 1;
  drawCase(one, !known);
  if (ENDED.includes(one.state)) setTimeout(() => ENDED.includes(cases.get(one.case_id)?.state) && eraseCase(one.case_id), FADE_MS);
  if (frame.fact in announced) announced[frame.fact] += 1;
  waiting.push(frame); // the list stands still while somebody points at it
  redraw();
}

function tell(frame) {
  if (QUIET.includes(frame.fact)) return;
  const row = make("li", `fact ${groupOf(frame.state)} ${BAD.includes(frame.fact) ? "bad" : ""}`);
  const time = make("time", "", timeOf(frame.at)), what = make("p", "what"), where = make("p", "where");
  what.append(make("b", "", nameOf("categories", frame.category)), make("em", "", frame.severity === "emergency" ? t("emergency") : ""));
  const unit = nameOf("units", frame.unit), district = nameOf("districts", frame.district), said = lang === "zh" && /\p{Script=Han}/u.test(frame.reason);
  where.textContent = [!unit.includes(district) && district, unit, said && frame.reason, frame.count > 1 && t("reports", number(frame.count))]
    .filter(Boolean).join(" · ");
  row.append(time, make("strong", "", t(`fact.${frame.fact}`)), what, where);
  row.title = row.dataset.case = frame.case_id;
  list.prepend(row);
  while (list.children.length > ROWS) list.lastChild.remove();
}

const redraw = () => { drawn = drawn && !setTimeout(draw, 100); };

function draw() {
  drawn = true;
  if (!list.matches(":hover, :focus")) waiting.splice(0).forEach(tell);
  const running = STAGES.slice(0, -ENDED.length).map((state) => states[state] ?? 0), most = Math.max(1, ...running), open = {};
  for (const one of cases.values()) if (!ENDED.includes(one.state)) open[one.district] = (open[one.district] ?? 0) + 1;
  const total = number(running.reduce((sum, count) => sum + count, 0));
  for (const bar of [...part("states").children, ...part("ended").children]) {
    const count = states[bar.dataset.state] ?? 0;
    bar.lastChild.textContent = number(count);
    bar.style.setProperty("--share", count / most);
    bar.classList.toggle("none", !count);
  }
  countDistricts(open);
  part("open").textContent = t("openCount", total);
  document.title = `${t("openCount", total)} · ${cityName()} ${t("title")}`;
  part("empty").hidden = list.children.length > 0;
  part("waiting").hidden = !waiting.length;
  part("waiting").textContent = t("newFacts", number(waiting.length));
}

function drawAudit() {
  for (const figure of part("ledger").children) {
    const count = audit[figure.dataset.figure];
    figure.querySelector("dd").textContent = number(count);
    figure.classList.toggle("none", !count);
  }
  for (const share of part("share").children) share.style.flexGrow = audit[share.dataset.figure];
  part("speed").textContent = audit.speed === 0 ? t("speedEvents") : audit.speed === 1 ? "" : t("speed", audit.speed);
}

async function count() {
  try {
    if (!document.hidden) [audit, auditAt] = [await (await fetch("api/v1/audit", { cache: "no-store" })).json(), performance.now()];
    drawAudit();
  } catch { /* the pill says so */ }
  setTimeout(count, 1000);
}

function tick() {
  if (audit) {
    const now = Date.parse(audit.now) + (performance.now() - auditAt) * audit.speed;
    part("clock").textContent = timeOf(now);
    part("day").textContent = dayOf(now);
  }
  const silent = Date.now() - heard > STALE_MS || (lost && Date.now() - lost > LOST_MS);
  const mode = !feed && !lost ? "connecting" : silent ? "stale" : lost ? "reconnecting" : "live";
  part("pill").dataset.mode = mode;
  const says = t(mode, mode === "stale" ? new Date(heard).toTimeString().slice(0, 5) : behind.toFixed(1)), pill = part("pill").lastElementChild;
  if (pill.textContent !== says) pill.textContent = says;
}

function build(outlines) {
  part("city").textContent = `${cityName()} · ${t("title")}`;
  const language = part("language");
  [language.textContent, language.ariaLabel, language.href] = [t("other"), t("otherLabel"), lang === "en" ? "?lang=zh" : "?lang=en"];
  for (const state of STAGES) {
    const bar = make("li", groupOf(state));
    bar.dataset.state = state;
    bar.append(make("span", "", t(`state.${state}`)), make("i"), make("b", "", "0"));
    part(ENDED.includes(state) ? "ended" : "states").append(bar);
  }
  for (const group of GROUPS) part("legend").append(make("li", group, t(`group.${group}`)));
  const cells = outlines.schematic_cells ? ` · ${t("schematicCells")}` : "";
  part("source").textContent = outlines.features[0].properties.schematic ? t("schematic") : t("source", outlines.origin) + cells;
}

const chooseTheme = (theme) => { if (theme) document.documentElement.dataset.theme = localStorage.theme = theme; };

chooseTheme(localStorage.theme);
part("theme").addEventListener("click", () => chooseTheme((localStorage.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark" ? "light" : "dark"));
for (const event of ["mouseleave", "blur"]) list.addEventListener(event, redraw);
const [outlines] = await Promise.all([fetch("api/v1/districts").then((answer) => answer.json()), loadWords()]);
build(outlines);
drawDistricts(outlines);
await load();
count();
setInterval(tick, 250);
setInterval(() => { // for those who listen: one sentence in ten seconds, not one per fact
  if (announced.opened || announced.closed) part("said").textContent = t("said", announced.opened, announced.closed);
  announced = { opened: 0, closed: 0 };
}, 10000);
