// What is said on the phone in whole words: when a task is due, how far it is, what became of a command.
import { lang, named, t } from "../lib/i18n.js";
import { clock, day, longDay, remaining } from "../lib/time.js";

const SOON_MS = 3600e3;

/** {says, at, light}: "due in 2 h 10 min", "Thursday 26 Nov 17:30", and fine | soon | over; null without a limit. */
export function dueOf(task) {
  if (!task.due_at) return null;
  const { left, says } = remaining(task.due_at);
  return { says, at: `${longDay(task.due_at)} ${clock(task.due_at)}`, light: left < 0 ? "over" : left < SOON_MS ? "soon" : "fine" };
}

/** "320 m northeast", "1.4 km east"; within the error of the position only "here". */
export function farOf({ metres, wind }, accuracy_m) {
  if (metres <= Math.max(15, accuracy_m ?? 0)) return t("far.here");
  const way = metres < 950 ? t("far.m", { n: Math.round(metres / 10) * 10 }) : t("far.km", { n: (metres / 1000).toFixed(1) });
  return `${t(`wind.${wind}`)} ${way}`;
}

/** The server's words in the reader's language: {zh, en}, or a refusal's "中文 / English". */
export function said(value) {
  if (!value) return "";
  if (typeof value !== "string") return named(value);
  const text = value.replace(/^[a-z_]+: /, ""), both = text.split(" / "); // "return: 中文 / English": the command is known to who gave it
  return both.length === 2 && /\p{Script=Han}/u.test(both[0]) && !/\p{Script=Han}/u.test(both[1]) ? both[lang === "zh" ? 0 : 1] : text;
}

export const since = (ms) => `${day(ms)} ${clock(ms)}`;
