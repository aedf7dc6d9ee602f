// What each command asks a person for, beside the case and themselves: the fields of its dialog. "!" must be filled in; "evidence!" may be replaced by
// words where the need says so. The console decides again (incidents/transitions.py); this only spares a refusal.
const FORMS = {
  confirm: [], verify: ["note"], found: ["evidence", "note"], not_found: ["evidence", "note"],
  file: ["condition", "severity"], not_file: ["reason!"], not_accept: ["reason!"], void: ["reason!"],
  dispatch: ["unit!", "assisting", "note"], arbitrate: ["unit!", "assisting", "note"],
  accept: [], return: ["reason!"], report_handled: ["evidence!", "note"],
  request_extension: ["reason!"], grant_extension: [], deny_extension: ["note"],
  request_suspension: ["until!", "reason!"], grant_suspension: ["until"], deny_suspension: ["note"], resume: [],
  pass_check: ["evidence!", "note"], fail_check: ["reason!", "evidence"], close: ["note"],
  reopen: ["reason!"], rate: ["rating!", "note"], appeal: ["reason!"], decide_appeal: ["upheld!", "note"],
  supervise: ["note!"], note: ["note!"], recategorise: ["category!", "condition"], remind: ["note"], escalate: ["note"], acknowledge: ["note"],
  transfer: ["level!", "note"], merge: ["into!", "note"], unmerge: ["reason!"], withdraw: ["reason!"],
  confirm_duplicate: ["other!"], refuse_duplicate: ["other!"],
};

/** The way forward, most usual first: what is a button of its own; everything else stands in the menu. */
const FORWARD = ["confirm", "file", "found", "dispatch", "arbitrate", "accept", "report_handled", "pass_check", "close", "grant_extension", "grant_suspension", "resume", "unmerge", "decide_appeal"];
const BESIDE = ["verify", "not_found", "return", "fail_check", "request_extension", "deny_extension", "deny_suspension", "request_suspension", "not_accept", "not_file", "reopen"];
export const HARSH = new Set(["not_file", "not_accept", "void", "not_found", "return", "fail_check", "deny_extension", "deny_suspension", "withdraw"]);
/** Those a suggestion, a merged report or the timeline offers in its own place. */
export const IN_PLACE = new Set(["confirm_duplicate", "refuse_duplicate", "note"]);

/** [{name, required}] of a command. */
export function fieldsOf(action) {
  const fields = (FORMS[action.command] ?? ["note"]).map((word) => ({ name: word.replace("!", ""), required: word.endsWith("!") }));
  if (action.reason_required && !fields.some((field) => field.name === "reason")) fields.push({ name: "reason", required: true });
  return fields;
}

export const asksNothing = (action) => fieldsOf(action).length === 0;

/** {forward, beside, more}: the actions a person has, sorted for a bar. */
export function sorted(actions) {
  const rank = (list) => list.flatMap((command) => actions.find((action) => action.command === command) ?? []);
  const [forward, beside] = [rank(FORWARD), rank(BESIDE)], shown = new Set([...forward, ...beside].map((action) => action.command));
  return { forward, beside, more: actions.filter((action) => !shown.has(action.command) && !IN_PLACE.has(action.command)) };
}

/** What is still missing: the names of required fields without a value; a photo may be replaced by words where the category's thing is over at once. */
export function missing(action, values, instant) {
  return fieldsOf(action).filter(({ name, required }) => required && !filled(name, values, instant)).map(({ name }) => name);
}

function filled(name, values, instant) {
  const value = values[name];
  if (name === "evidence") return Boolean(value?.length) || (instant && Boolean(values.note?.trim()));
  return typeof value === "string" ? value.trim() !== "" : value !== undefined && value !== null;
}

/** The arguments as the API takes them; photos go another way, and `target` only says which case is meant. */
export function argumentsOf(values) {
  const { evidence: _, target: __, ...rest } = values;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && !value.length)));
}
