// Moments in the city's zone, always; countdowns by the city's clock as the server measures it, never by this machine's.
import { catalogue, locale, t } from "./i18n.js";
import { signal } from "./dom.js";

const formats = new Map();
let cityAt = Date.now(), measuredAt = performance.now(), speed = 1;
export const tick = signal(0); // moves once a second while the page is visible: read it where a countdown is drawn

// The city's clock: `now` (ISO or ms) as of this moment, and how many city seconds pass in a real one (a demo's city runs faster).
export function setCityClock(now, citySpeed = 1) {
  [cityAt, measuredAt, speed] = [typeof now === "number" ? now : Date.parse(now), performance.now(), citySpeed];
}

export const cityNow = () => cityAt + (performance.now() - measuredAt) * speed;
export const citySpeed = () => speed;
export const zone = () => catalogue.city.zone ?? "Asia/Shanghai";

function format(options) {
  const key = zone() + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: zone(), hourCycle: "h23", ...options }));
  return formats.get(key);
}

const date = (moment) => new Date(moment);
export const clock = (moment) => moment ? format({ hour: "2-digit", minute: "2-digit" }).format(date(moment)) : "";
export const clockSeconds = (moment) => moment ? format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(date(moment)) : "";
export const day = (moment) => moment ? format({ month: "short", day: "numeric" }).format(date(moment)) : "";
export const longDay = (moment) => moment ? format({ month: "long", day: "numeric", weekday: "short" }).format(date(moment)) : "";
// With the zone, for what may be quoted: a due time, a record.
export const full = (moment) => moment ? `${format({ year: "numeric", month: "2-digit", day: "2-digit" }).format(date(moment))} ${clockSeconds(moment)} ${zoneName(moment)}` : "";
const zoneName = (moment) => format({ timeZoneName: "short" }).formatToParts(date(moment)).find((part) => part.type === "timeZoneName").value;
const sameDay = (one, other) => format({ dateStyle: "short" }).format(date(one)) === format({ dateStyle: "short" }).format(date(other));
// Today "14:05", otherwise "11月20日 14:05".
export const when = (moment) => !moment ? "" : sameDay(moment, cityNow()) ? clock(moment) : `${day(moment)} ${clock(moment)}`;

// A span in the two units that matter: "3 min", "2 h 05 min", "4 d 3 h". Milliseconds in.
export function span(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60_000), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (days) return days < 3 ? t("span.days", { d: days, h: hours % 24 }) : t("span.onlyDays", { d: days });
  if (hours >= 10) return t("span.onlyHours", { h: hours });
  if (hours) return t("span.hours", { h: hours, m: minutes % 60 });
  return minutes ? t("span.minutes", { m: minutes }) : t("span.seconds", { s: Math.floor(Math.abs(ms) / 1000) });
}

export const ago = (moment) => t("span.ago", { span: span(cityNow() - Date.parse(moment)) });
// What is left of a limit, or by how much it is over: {left (ms, negative when over), says}.
export function remaining(dueAt) {
  const left = Date.parse(dueAt) - cityNow();
  return { left, says: t(left < 0 ? "due.over" : "due.left", { span: span(left) }) };
}

setInterval(() => { if (!document.hidden) tick.value += 1; }, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick.value += 1; });
