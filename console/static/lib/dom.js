// What every page is drawn with, from one place: Preact, htm bound to it (never htm/preact, which holds a second Preact), and signals.
import { Fragment, createContext, h, render } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import htm from "htm";

export const html = htm.bind(h);
export {
  Fragment, batch, computed, createContext, effect, h, render, signal, untracked, useCallback, useComputed, useEffect, useLayoutEffect,
  useMemo, useRef, useSignal, useSignalEffect, useState,
};

// `cls("row", {on: yes})` → "row on"
export const cls = (...parts) => parts.flatMap((part) => !part ? [] : typeof part === "string" ? [part]
  : Object.entries(part).filter(([, on]) => on).map(([name]) => name)).join(" ");

// Keeps what a person chose in this browser; a browser that keeps nothing is no error.
export const kept = {
  get(key, otherwise = null) { try { return JSON.parse(localStorage.getItem(`cityloop.${key}`)) ?? otherwise; } catch { return otherwise; } },
  set(key, value) { try { localStorage.setItem(`cityloop.${key}`, JSON.stringify(value)); } catch { /* a private window */ } },
};

const AGAIN_MS = 2000;
// A part that is fetched when it is first shown, so that a page begins with less: `const Triage = lazy(() => import("./triage.js"), "Triage")`.
export function lazy(load, name) {
  const found = signal(null);
  const fetched = () => load().then((module) => { found.value = module[name]; }, () => { setTimeout(fetched, AGAIN_MS); }); // the network is away
  const Part = (props) => { useEffect(() => { if (!found.value) fetched(); }, []); return found.value && h(found.value, props); };
  Part.ahead = fetched;
  return Part;
}
