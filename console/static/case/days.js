// Days of the city as moments: what a date field means in the city's zone.
import { zone } from "../lib/time.js";

const DAY_MS = 86400e3;

/** Midnight of a day in the city ("2026-11-21"), plus so many days, as ISO in UTC. */
export function midnight(day, later) {
  const guess = Date.parse(`${day}T00:00:00Z`) + later * DAY_MS;
  const there = Date.parse(`${new Intl.DateTimeFormat("sv-SE", { timeZone: zone(), dateStyle: "short", timeStyle: "medium" }).format(guess).replace(" ", "T")}Z`);
  return new Date(guess - (there - guess)).toISOString();
}

/** The day of a moment in the city, as a date field writes it. */
export const dayOf = (moment) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone(), dateStyle: "short" }).format(moment);
