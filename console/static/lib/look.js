// Appearance: light, dark or as the system says; comfortable or compact. Kept in this browser, the same on every page of it.
import { kept, signal } from "./dom.js";

export const theme = signal(kept.get("theme", "auto"));
export const density = signal(kept.get("density", "comfortable"));
export const isDark = signal(false);
const system = matchMedia("(prefers-color-scheme: dark)");

export function applyLook() {
  const root = document.documentElement;
  if (theme.value === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme.value;
  root.dataset.density = density.value;
  isDark.value = theme.value === "dark" || (theme.value === "auto" && system.matches);
}

export function chooseTheme(chosen) { theme.value = chosen; kept.set("theme", chosen); applyLook(); }
export function chooseDensity(chosen) { density.value = chosen; kept.set("density", chosen); applyLook(); }
system.addEventListener("change", applyLook);
addEventListener("storage", (event) => {
  if (event.key === "cityloop.theme") theme.value = kept.get("theme", "auto");
  if (event.key === "cityloop.density") density.value = kept.get("density", "comfortable");
  if (event.key?.startsWith("cityloop.")) applyLook();
});
