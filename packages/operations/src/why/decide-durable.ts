import { failuresOf, firstLine } from "@adaos/core/wire";
import type { DurableFact, Verdict, VerdictWord, WhyFacts } from "./facts.ts";
import { commandsOf } from "./next-command.ts";

/** A durable with waiting events that no program has asked for so long counts as unused. */
const QUIET_MS = 15_000;
const MAX_MESSAGE = 200;
/** Rules of dead letters whose event is not what its contract says. */
const CONTRACT_RULES: ReadonlySet<string> = new Set([
  "mesh invalid-event",
  "mesh unknown-event",
  "mesh too-large",
]);

/** How an event stands at a durable that takes it, from a stream that holds it. Pure. */
export function durableVerdict(facts: WhyFacts, durable: DurableFact, storedAt: string): Verdict {
  const { consumer, standing, record, isParked } = durable;
  const { name: to } = consumer;
  const next = commandsOf(facts);
  const at = { to, hop: to };
  if (isParked) {
    const reason = `the registry of ${facts.to} had no schema of ${facts.event.name}@${facts.event.version}; it is given again as soon as there is one`;
    return {
      ...at,
      verdict: "parked",
      reason,
      by: "unknown-event",
      since: storedAt,
      next: "adaos registry apply --dry-run",
    };
  }
  const failed = failure(facts, durable);
  if (failed !== undefined) return failed;
  if (standing === "before") {
    const reason = `the durable begins behind it in the stream: what took its name before may have had it`;
    return { ...at, verdict: "no durable", reason, since: storedAt, next: next.replay(to) };
  }
  if (standing === "settled" || record?.status === "success") return delivered(facts, durable, storedAt);
  if (consumer.paused) return paused(facts, durable, storedAt);
  if (record?.status === "retrying") {
    const { max_retries: max = 0, next_retry_at: due } = record.retry_info ?? {};
    const reason = `${failuresOf(record)} attempts have failed, ${max} retries are allowed, the next is due ${due ?? "soon"}`;
    return {
      ...at,
      ...errorOf(record.error_info),
      verdict: "retrying",
      reason,
      since: record.timestamp,
      next: next.detail,
    };
  }
  return unsettled(facts, durable, storedAt);
}

function delivered(facts: WhyFacts, { consumer: { name }, record }: DurableFact, since: string): Verdict {
  const retries = record === undefined ? 0 : failuresOf(record);
  const reason =
    retries === 0 ? `${name} has settled it` : `${name} has settled it after ${retries} failed attempts`;
  return {
    verdict: "delivered",
    to: name,
    hop: name,
    reason,
    since: record?.timestamp ?? since,
    next: commandsOf(facts).trace,
  };
}

/** A failure that no further attempt follows. */
function failure(facts: WhyFacts, { consumer: { name }, letter, record }: DurableFact): Verdict | undefined {
  const at = { to: name, hop: name };
  const next = commandsOf(facts);
  if (letter !== undefined) {
    const verdict = wordOf(letter.rule);
    const tries =
      letter.category === "permanent"
        ? "no attempt can cure it"
        : `${letter.attempts.length} attempts have failed`;
    const reason = `it lies in the dead letters as ${letter.dead_letter_id}: ${letter.category}, ${tries}`;
    const command = verdict === "dead letter" ? next.retry : next.detail;
    return { ...at, ...errorOf(letter.error), verdict, reason, since: letter.at, next: command };
  }
  if (record?.status !== "failed" && record?.status !== "dead_letter") return undefined;
  const reason = "its handling has failed for good, and its dead letter is gone: run again or purged";
  const verdict = wordOf(record.error_info?.context["rule"] ?? "");
  return { ...at, ...errorOf(record.error_info), verdict, reason, since: record.timestamp, next: next.trace };
}

function wordOf(rule: string): VerdictWord {
  return CONTRACT_RULES.has(rule) ? "invalid" : rule === "mesh denied" ? "denied" : "dead letter";
}

function errorOf(error: { readonly type: string; readonly message: string } | undefined): { by?: string } {
  return error === undefined ? {} : { by: `${error.type}: ${firstLine(error.message, MAX_MESSAGE)}` };
}

function paused(facts: WhyFacts, { consumer: { name } }: DurableFact, since: string): Verdict {
  const subscribe = facts.policy.find(({ verb }) => verb === "subscribe");
  const isDenied = subscribe?.allowed === false;
  return {
    verdict: "paused",
    to: name,
    hop: name,
    reason: isDenied
      ? `policy no longer allows ${facts.to} what this durable takes: it stands still until it does`
      : "somebody has paused the durable, or the hub has not taken up the policy yet",
    ...(isDenied ? { by: subscribe.rule } : {}),
    ...(isDenied && subscribe.place !== undefined ? { place: subscribe.place } : {}),
    since,
    next: `adaos policy explain subscribe ${facts.event.name} --as ${facts.to}`,
  };
}

/** Not given yet, or given and not answered. */
function unsettled(facts: WhyFacts, durable: DurableFact, since: string): Verdict {
  const { consumer, standing } = durable;
  const { name: to, waiting, pending, unsettled: open } = consumer;
  const next = commandsOf(facts);
  const health = facts.members.get(facts.to);
  const quietMs = facts.nowMs - (consumer.lastActiveMs ?? 0);
  // A member whose hands are full asks for nothing either: then it has settled something a moment ago.
  if (waiting === 0 && (open === 0 || quietMs > QUIET_MS)) {
    const daemon = health?.ready === false ? `, and its daemon is not ready: ${health.note}` : "";
    const reason = `no program asks for the events of this durable${daemon}; ${pending + open} wait`;
    return { verdict: "node down", to, hop: to, reason, since, next: next.status };
  }
  const reason =
    standing === "given"
      ? `it was given to ${facts.to}, which has ${open} unsettled: its handler is at work, or hangs`
      : `${pending} events wait for the durable, and ${open} are unsettled`;
  return { verdict: "lagging", to, hop: to, reason, since, next: next.durables };
}
