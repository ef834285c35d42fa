import { causeOf } from "./ids.ts";
import { recordOf, scopeOf } from "./scope.ts";
import type { SkipCause, Start } from "./state.ts";
import { type Candidate, type Deciding, kept, MAX_KEPT, skip } from "./trigger-draft.ts";

/** A trigger has come: it starts a run now, after `debounce`, or not at all. */
export function consider(deciding: Deciding, candidate: Candidate, runId: string): void {
  const { scenario, draft, nowMs } = deciding;
  const start: Start = {
    ...candidate,
    runId,
    ...causeOf(candidate.trigger.event?.headers, scenario.name),
  };
  const { debounce } = scenario.definition;
  // Who asks by hand means this run, not the last of some.
  if (debounce === undefined || start.trigger.kind === "run") {
    admit(deciding, start);
    return;
  }
  const before = draft.debounced.find(({ key }) => key === start.key);
  draft.debounced = draft.debounced.filter((one) => one !== before);
  if (before !== undefined)
    skip(deciding, before, "debounce", `${start.runId} came ${debounce} ms after it or sooner`);
  const waiting = kept(deciding, start);
  if (waiting !== undefined) draft.debounced = [...draft.debounced, { ...waiting, dueMs: nowMs + debounce }];
}

/** Conditions, cooldown and mode decide about a start. */
export function admit(deciding: Deciding, start: Start): void {
  const { scenario, draft, nowMs } = deciding;
  const scope = scopeOf(scenario.name, start.trigger, nowMs, start.key);
  const judged = scenario.conditions.map((condition) => recordOf(condition, scope));
  const checked = { ...start, conditions: [...start.conditions, ...judged] };
  const failed = judged.find(({ value }) => value !== true);
  if (failed !== undefined) {
    const { error, text } = failed;
    return skip(deciding, checked, error === undefined ? "condition" : "error", error ?? `${text} is false`);
  }
  const cooling = draft.cooling.find(({ key, untilMs }) => key === start.key && untilMs > nowMs);
  if (cooling !== undefined)
    return skip(deciding, checked, "cooldown", `until ${new Date(cooling.untilMs).toISOString()}`);
  admitByMode(deciding, checked);
}

/** The mode decides about a start whose conditions hold. */
export function admitByMode(deciding: Deciding, start: Start): void {
  const { scenario, draft } = deciding;
  const { mode, max, overflow } = scenario.definition;
  const running = draft.active.filter(({ key }) => key === start.key);
  const waiting = draft.waiting.filter(({ key }) => key === start.key);
  const [oldest] = running;
  if (deciding.isFull)
    return skip(deciding, start, "overflow", "runs that are under way hold as much as the member may store");
  if (draft.active.length >= MAX_KEPT)
    return skip(deciding, start, "overflow", `${draft.active.length} runs are active`);
  if (running.length < (mode === "parallel" ? max : 1) && waiting.length === 0) return begin(deciding, start);
  if (mode === "single") {
    const cause = scenario.key === undefined ? "mode" : "key-busy";
    return skip(deciding, start, cause, `${oldest?.runId} is running`);
  }
  if (mode === "restart") {
    for (const { runId } of running) cancel(deciding, runId, "mode", `restarted by ${start.runId}`);
    return begin(deciding, start);
  }
  const room = mode === "queued" ? max - 1 : 0;
  if (waiting.length < room || (overflow === "coalesce" && waiting.length === 0))
    return wait(deciding, start);
  if (overflow === "drop-new")
    return skip(deciding, start, "overflow", `${max} runs of the key are under way`);
  const dropped = overflow === "coalesce" ? waiting.at(-1) : waiting[0];
  if (dropped !== undefined) {
    draft.waiting = draft.waiting.filter((one) => one !== dropped);
    skip(deciding, dropped, "overflow", `${start.runId} takes its place`);
    return wait(deciding, start);
  }
  if (oldest !== undefined) cancel(deciding, oldest.runId, "overflow", `${start.runId} takes its place`);
  begin(deciding, start);
}

function wait(deciding: Deciding, start: Start): void {
  const waiting = kept(deciding, start);
  if (waiting !== undefined) deciding.draft.waiting = [...deciding.draft.waiting, waiting];
}

function cancel(deciding: Deciding, runId: string, cause: SkipCause, reason: string): void {
  const { draft, cancels, starts } = deciding;
  draft.active = draft.active.filter((one) => one.runId !== runId);
  const at = starts.findIndex((one) => one.runId === runId);
  const [unstarted] = at < 0 ? [] : starts.splice(at, 1);
  // Started by the same input, such as a clock that is late: it has never run.
  if (unstarted !== undefined) skip(deciding, unstarted, cause, reason);
  else cancels.push({ runId, reason });
}

function begin({ scenario, draft, starts, nowMs }: Deciding, start: Start): void {
  const { runId, key } = start;
  const { cooldown } = scenario.definition;
  draft.active = [...draft.active, { runId, key }];
  if (cooldown !== undefined) {
    const others = draft.cooling.filter((one) => one.key !== key && one.untilMs > nowMs);
    draft.cooling = [...others, { key, untilMs: nowMs + cooldown }].slice(-MAX_KEPT);
  }
  starts.push(start);
}

/** Leaves out a start that has not begun. */
export function leaveOut(deciding: Deciding, runId: string, reason: string): void {
  const { draft } = deciding;
  const start = [...draft.waiting, ...draft.debounced].find((one) => one.runId === runId);
  if (start === undefined) return;
  draft.waiting = draft.waiting.filter((one) => one !== start);
  draft.debounced = draft.debounced.filter((one) => one !== start);
  skip(deciding, start, "cancelled", reason);
}

/** A run has ended: the first of its key that waits begins. */
export function release(deciding: Deciding, runId: string): void {
  const { draft, scenario } = deciding;
  const ended = draft.active.find((one) => one.runId === runId);
  if (ended === undefined) return;
  draft.active = draft.active.filter((one) => one !== ended);
  const { mode, max } = scenario.definition;
  const next = draft.waiting.find(({ key }) => key === ended.key);
  const running = draft.active.filter(({ key }) => key === ended.key).length;
  if (next === undefined || running >= (mode === "parallel" ? max : 1)) return;
  draft.waiting = draft.waiting.filter((one) => one !== next);
  const { bytes: _, ...start } = next;
  begin(deciding, start);
}
