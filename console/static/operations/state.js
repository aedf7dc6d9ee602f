// What the operations page knows: filters (they are the URL), every open case as a point, the loaded rows of the queue, and what is chosen.
import { computed, kept, signal } from "../lib/dom.js";

export const TABS = ["to_file", "to_verify", "to_dispatch", "to_accept", "handling", "to_check", "to_close", "overdue"];
const TAB_OF = { reported: "to_file", verifying: "to_verify", filed: "to_dispatch", dispatched: "to_accept", handling: "handling", suspended: "handling", checking: "to_check", checked: "to_close", held: "to_file" };
const WORKED_ON = Object.keys(TAB_OF).filter((state) => state !== "held"); // open and in somebody's queue: all open states but `held`
export const isOpen = (state) => state in TAB_OF;
export const inTab = (tab, one) => tab === "all" || (tab === "overdue" ? one.overdue : TAB_OF[one.state] === tab);
const HOME = { shift_lead: "to_file", acceptor: "to_file", dispatcher: "to_dispatch", checker: "to_check", collector: "to_verify", unit: "to_accept" };
// What is drawn from the newest down, and what by its due time; the API's words for it.
export const SORTS = ["newest", "due", "severity", "oldest"];

const MANY = ["district", "category", "severity", "unit", "channel"], ONE = ["tab", "sort", "q", "overdue", "from", "to", "hours", "bbox", "at"];
const PLAIN = { tab: "", sort: "", q: "", overdue: "", from: "", to: "", hours: "24", bbox: "", at: "" };

let homeTab = "to_file";
function fromAddress() {
  const asked = new URLSearchParams(location.search);
  const found = { ...Object.fromEntries(MANY.map((name) => [name, asked.getAll(name)])), ...Object.fromEntries(ONE.map((name) => [name, asked.get(name) ?? PLAIN[name]])) };
  return { ...found, tab: found.tab || homeTab };
}

export const filters = signal(fromAddress());
// Where a person of this role begins, unless the address or their last visit says another tab.
export function begin(role) {
  homeTab = kept.get("tab") ?? HOME[role] ?? "all";
  filters.value = fromAddress();
}

export const chosen = signal(caseInAddress()); // the case in the drawer
export const cursorRow = signal(null); // the row that j and k stand on
export const marked = signal(new Set()); // rows chosen with x
export const hovered = signal(null);
export const points = signal(new Map()); // id → point; replaced, never changed in place, so that what depends on it is drawn anew
export const rows = signal([]); // loaded rows of the queue, in order
export const queue = signal({ next: null, total: 0, loading: true, error: null });
export const arrivals = signal(new Set()); // ids that wait while the queue stands still
export const fresh = signal(new Set()); // ids that flash once
export const presence = signal(new Map()); // case id → [{person, name, doing, until}]
export const triage = signal(false);
export const pinned = signal({ hover: false, scrolled: false });
export const mapView = signal(null);

// The live list stands still while somebody works in it.
export const isPaused = computed(() => triage.value || pinned.value.hover || pinned.value.scrolled || marked.value.size > 0 || chosen.value !== null);

function caseInAddress() {
  return decodeURIComponent(/^#\/case\/(.+)$/.exec(location.hash)?.[1] ?? "") || null;
}

function write(push) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(filters.value)) {
    for (const one of [value].flat()) if (one && one !== PLAIN[name]) said.append(name, one);
  }
  const address = `${location.pathname}${said.size ? `?${said}` : ""}${chosen.value ? `#/case/${encodeURIComponent(chosen.value)}` : ""}`;
  if (address !== location.pathname + location.search + location.hash) history[push ? "pushState" : "replaceState"](null, "", address);
}

// Filters, order and view are the URL: a bookmark brings them back. Moving the map replaces the entry, everything else adds one.
export function change(parts) {
  filters.value = { ...filters.value, ...parts };
  if (parts.tab) kept.set("tab", parts.tab);
  write(Object.keys(parts).some((name) => name !== "at" && name !== "bbox"));
}

export function choose(id) {
  if (chosen.value === id) return;
  chosen.value = id;
  if (id) cursorRow.value = id;
  write(true);
}

addEventListener("popstate", () => { filters.value = fromAddress(); chosen.value = caseInAddress(); });
addEventListener("hashchange", () => { chosen.value = caseInAddress(); });

export const sortOf = (found) => found.sort || (found.tab === "to_file" || found.tab === "all" ? "newest" : "due");
export const isFiltered = (found) => MANY.some((name) => found[name].length) || Boolean(found.q || found.overdue || found.from || found.bbox);
// The server's words for the filters; the tab and the brush only narrow what is already here for the map.
export const asked = (found, { forQueue }) => ({
  ...Object.fromEntries(MANY.map((name) => [name, found[name]])), q: found.q, overdue: found.overdue && "true",
  ...(forQueue ? { ...(found.tab === "all" ? { status: WORKED_ON } : { tab: found.tab }), sort: sortOf(found), since: found.from, until: found.to, bbox: found.bbox } : { status: WORKED_ON }),
});

const within = (box, { lon, lat }) => lon >= box[0] && lat >= box[1] && lon <= box[2] && lat <= box[3];
// What the brush and the view let through, whatever the tab.
export const visible = computed(() => {
  const { from, to, bbox } = filters.value, since = from ? Date.parse(from) : -Infinity, until = to ? Date.parse(to) : Infinity, box = bbox && bbox.split(",").map(Number);
  return [...points.value.values()].filter((point) => (!from || (point.opened >= since && point.opened < until)) && (!box || within(box, point)));
});
export const shown = computed(() => visible.value.filter((point) => inTab(filters.value.tab, point)));
export const tabCounts = computed(() => {
  const counts = Object.fromEntries(TABS.map((tab) => [tab, 0]));
  for (const point of visible.value) {
    counts[TAB_OF[point.state]] += 1;
    if (point.overdue) counts.overdue += 1;
  }
  return { ...counts, all: visible.value.length };
});

// The row's place in the order; the same as the server's, so that what comes live stands where a fresh list has it.
const RANK = { emergency: 0, major: 1, normal: 2, minor: 3 }, LAST = "9999";
const KEYS = {
  newest: (row) => [row.opened_at, 1], oldest: (row) => [row.opened_at, -1], due: (row) => [row.due_at ?? LAST, -1], severity: (row) => [RANK[row.severity], -1],
};
export function compare(sort) {
  return (one, other) => {
    const [[a, down], [b]] = [KEYS[sort](one), KEYS[sort](other)];
    if (a !== b) return (a < b ? 1 : -1) * down;
    return one.case_id < other.case_id ? -1 : 1;
  };
}
