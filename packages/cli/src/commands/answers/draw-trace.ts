import { firstLine } from "@adaos/core/wire";
import type { Handling, Trace, TracedEvent } from "@adaos/operations";

const MAX_MESSAGE = 120;
/** Of a name or an id: a writer may choose what stands there, and it shall not look like lines of ours. */
const MAX_NAME = 200;

/** A trace as a tree: a line for each event, each of its streams, each durable and each link before it. Pure. */
export function drawTrace({ correlation_id: id, events, roots }: Trace): string[] {
  return [
    `${firstLine(id, MAX_NAME)}: ${events} event${events === 1 ? "" : "s"}`,
    ...roots.flatMap((root) => draw(root, "", "")),
  ];
}

function draw(event: TracedEvent, first: string, rest: string): string[] {
  const {
    event_id: id,
    event_name: name,
    version,
    from,
    replay_for: target,
    timer,
    published_at: at,
    caused,
  } = event;
  const ref = `${firstLine(name, MAX_NAME)}@${version}`;
  const what = target === undefined ? ref : `${ref} replayed to ${target}`;
  const leaves = [
    ...(timer === undefined ? [] : [firedBy(timer)]),
    ...event.hops.map(({ stream, seq, after_ms: ms }) => `${stream} ${seq}  ${ms < 0 ? "" : "+"}${ms} ms`),
    ...event.handlings.map(handled),
    ...event.on_its_way.map(({ link, waiting }) => `on its way: link ${link}, ${waiting} waiting`),
  ];
  const lines = [`${first}${at}  ${what}  ${firstLine(id, MAX_NAME)}  from ${from}`];
  const ends = leaves.length + caused.length - 1;
  for (const [i, leaf] of leaves.entries()) lines.push(`${rest}${i === ends ? "└ " : "├ "}${leaf}`);
  for (const [i, child] of caused.entries()) {
    const isLast = i === caused.length - 1;
    lines.push(...draw(child, `${rest}${isLast ? "└─" : "├─"} `, `${rest}${isLast ? "   " : "│  "}`));
  }
  return lines;
}

function firedBy({ name, scheduled_at: at, fire }: NonNullable<TracedEvent["timer"]>): string {
  return firstLine(`timer ${name}  due ${at}  ${fire}`, MAX_NAME);
}

const STATES: Readonly<Record<Handling["state"], string>> = {
  waiting: "waits for it",
  given: "was given it and has not settled it",
  retrying: "retrying",
  handled: "handled",
  failed: "failed for good",
  dead_letter: "dead letter",
  parked: "parked until its schema is known",
};

function handled({
  durable,
  state,
  at,
  failures,
  error,
  next_retry_at: next,
  dead_letter_id: letter,
}: Handling): string {
  const parts = [
    `${durable} ${STATES[state]}`,
    at && firstLine(at, MAX_NAME),
    failures === 0 ? undefined : `${failures} failed attempt${failures === 1 ? "" : "s"}`,
    next === undefined ? undefined : `next at ${firstLine(next, MAX_NAME)}`,
    letter && firstLine(letter, MAX_NAME),
    error === undefined ? undefined : `${error.category}: ${firstLine(error.message, MAX_MESSAGE)}`,
  ];
  return parts.filter((part) => part !== undefined).join("  ");
}
