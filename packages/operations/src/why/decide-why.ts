import { BUDGET, ROOT_DOMAIN } from "@adaos/core/wire";
import { streamAt } from "../standing/event-consumer.ts";
import { durableVerdict } from "./decide-durable.ts";
import type { LinkFact, PolicyAnswer, SeenDenial, StreamFact, Verdict, WhyFacts } from "./facts.ts";
import { commandsOf } from "./next-command.ts";

/**
 * Why an event did not arrive at a member, or that it did: a verdict for each durable that takes it, one for the member
 * where none does. The furthest stream that holds it says where to look; the facts in front of it do not matter. Pure.
 */
export function decideWhy(facts: WhyFacts): Verdict[] {
  const { origin, crossing } = facts;
  const last = crossing?.target ?? origin;
  if (last.kind === "held") return atMember(facts, last.storedAt);
  if (crossing?.mesh.kind === "held") return [atDownlink(facts, crossing.mesh.storedAt)];
  if (origin.kind === "held") return [atUplink(facts, origin.storedAt)];
  return [beforeStream(facts)];
}

function subnetOf(member: string): string {
  return member.split("/")[0] ?? "";
}

function answer(facts: WhyFacts, verb: PolicyAnswer["verb"]): PolicyAnswer | undefined {
  return facts.policy.find((one) => one.verb === verb);
}

/** Whether the denial concerns this very event, or its kind of event. */
function isAbout(facts: WhyFacts, denial: SeenDenial): boolean {
  const { event, from, to } = facts;
  const whose = { publish: from, export: subnetOf(from), import: subnetOf(to), subscribe: to, reply: "" };
  if (denial.node !== whose[denial.hop]) return false;
  if (denial.hop === "import" && denial.from !== undefined && denial.from !== subnetOf(from)) return false;
  if (denial.eventId !== undefined && denial.eventId === event.id) return true;
  return denial.rule === BUDGET || denial.event.includes(event.name);
}

function newestDenial(facts: WhyFacts, hop: SeenDenial["hop"]): SeenDenial | undefined {
  return facts.denials.findLast((denial) => denial.hop === hop && isAbout(facts, denial));
}

function byDenial(facts: WhyFacts, { hop, node, rule, reason, since }: SeenDenial): Verdict {
  const isBudget = rule === BUDGET;
  const place = facts.policy.find((one) => one.rule === rule)?.place;
  const { explain, denials } = commandsOf(facts);
  return {
    verdict: isBudget ? "rate-limited" : "denied",
    to: facts.to,
    hop: `${hop} ${node}`,
    reason,
    by: rule,
    ...(place === undefined ? {} : { place }),
    since,
    next: isBudget ? denials(hop === "import" ? node : subnetOf(facts.from)) : explain,
  };
}

function byPolicy(facts: WhyFacts, { verb, who, rule, reason, place }: PolicyAnswer): Verdict {
  return {
    verdict: "denied",
    to: facts.to,
    hop: `${verb} ${who}`,
    reason: reason ?? `${who} may not ${verb} ${facts.event.name}`,
    by: rule,
    ...(place === undefined ? {} : { place }),
    next: commandsOf(facts).explain,
  };
}

/** The verdict on an event that is in no stream. */
function beforeStream(facts: WhyFacts): Verdict {
  const { to, from, origin, outbox, since, event } = facts;
  const hop = `publish ${from}`;
  const next = commandsOf(facts);
  if (outbox.waitsSince !== undefined) {
    const trouble = origin.kind === "away" ? `: its server does not answer (${origin.reason})` : "";
    const reason = `it waits on the disk of ${from} for the hub${trouble}`;
    return { verdict: "in outbox", to, hop, reason, since: outbox.waitsSince, next: next.status };
  }
  if (outbox.refused !== undefined) {
    const { code, message, at, place } = outbox.refused;
    return {
      verdict: wordOf(code),
      to,
      hop,
      reason: message,
      by: code,
      place,
      since: at,
      next: next.explain,
    };
  }
  if (origin.kind === "away") {
    const server = streamAt(subnetOf(from));
    const reason = `the server of ${subnetOf(from)} does not answer: ${origin.reason}`;
    return { verdict: "node down", to, hop: server, reason, next: next.status };
  }
  const told = newestDenial(facts, "publish");
  if (told !== undefined) return byDenial(facts, told);
  const publish = answer(facts, "publish");
  if (publish?.allowed === false) return byPolicy(facts, publish);
  if (!facts.isInRegistry) {
    const reason = `${event.name}@${event.version} is not in the registry: to publish it is an error`;
    return { verdict: "invalid", to, hop, reason, by: "unknown-event", next: "adaos events registry lint" };
  }
  const isOlder = origin.kind === "missing" && origin.firstAt !== undefined && since < origin.firstAt;
  if (event.id !== undefined && isOlder) return expired(facts, streamAt(subnetOf(from)), origin);
  return neverStored(facts);
}

/** The verdict by the publisher's counters, which do not name single events. */
function neverStored(facts: WhyFacts): Verdict {
  const { to, from, event, failedPublishes, members, since } = facts;
  const hop = `publish ${from}`;
  const next = commandsOf(facts);
  const worst = [...failedPublishes].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a)[0];
  if (worst !== undefined && event.id === undefined) {
    const [code, count] = worst;
    const word = wordOf(code);
    const reason = `${from} had ${count} publishes rejected with ${code}, by its counters, and stored none of ${event.name}`;
    if (word !== "never published")
      return { verdict: word, to, hop, reason, by: code, since, next: next.metrics };
  }
  const health = members.get(from);
  const daemon = health?.ready === false ? `; the daemon of ${from} is not ready: ${health.note}` : "";
  const what = event.id ?? `${event.name}@${event.version} since ${since}`;
  const reason = `no stream and no outbox holds ${what} of ${from}${daemon}`;
  return { verdict: "never published", to, hop, reason, next: next.tail };
}

/** The word for an error by which a publish was refused. */
function wordOf(code: string): "denied" | "invalid" | "rate-limited" | "never published" {
  if (code === "denied") return "denied";
  if (code === "backpressure") return "rate-limited";
  if (code === "invalid-event" || code === "unknown-event" || code === "too-large") return "invalid";
  return "never published";
}

/** The publisher's hub has it, the root does not. */
function atUplink(facts: WhyFacts, storedAt: string): Verdict {
  const { crossing, from } = facts;
  const name = `up ${subnetOf(from)}`;
  const mesh = crossing?.mesh ?? { kind: "missing" as const };
  return atLink(facts, { name, link: crossing?.up, end: mesh, of: ROOT_DOMAIN, storedAt, verb: "export" });
}

/** The root has it, the target's hub does not. */
function atDownlink(facts: WhyFacts, storedAt: string): Verdict {
  const { crossing, to } = facts;
  const subnet = subnetOf(to);
  const target = crossing?.target ?? { kind: "missing" as const };
  const name = `down ${subnet}`;
  return atLink(facts, { name, link: crossing?.down, end: target, of: subnet, storedAt, verb: "import" });
}

interface LinkHop {
  readonly name: string;
  readonly link: LinkFact | undefined;
  /** The stream behind it. */
  readonly end: StreamFact;
  readonly of: string;
  readonly storedAt: string;
  readonly verb: "export" | "import";
}

function atLink(facts: WhyFacts, { name, link, end, of, storedAt, verb }: LinkHop): Verdict {
  const { to } = facts;
  const hop = `link ${name}`;
  const next = commandsOf(facts);
  const told = newestDenial(facts, verb);
  if (told !== undefined && told.eventId !== undefined && told.eventId === facts.event.id)
    return byDenial(facts, told);
  if (link?.refusal !== undefined) {
    const { code, reason, place } = link.refusal;
    return { verdict: wordOf(code), to, hop, reason, by: code, place, since: storedAt, next: next.detail };
  }
  if (link?.standing === "waiting" || link?.standing === "given")
    return waitingAt(facts, hop, link, storedAt);
  const policy = answer(facts, verb);
  if (policy?.allowed === false) return { ...byPolicy(facts, policy), since: storedAt };
  if (told !== undefined) return byDenial(facts, told);
  if (end.kind === "away") {
    const reason = `the server of ${of} does not answer: ${end.reason}`;
    return { verdict: "node down", to, hop: streamAt(of), reason, since: storedAt, next: next.status };
  }
  if (link?.standing === undefined || link.standing === "foreign") {
    const reason = `policy lets it pass, and the link does not take it: what the mesh file says is not in force`;
    return { verdict: "denied", to, hop, reason, since: storedAt, next: "adaos policy diff" };
  }
  if (end.kind === "missing" && end.firstAt !== undefined && storedAt < end.firstAt)
    return expired(facts, streamAt(of), end);
  const reason = `the link has passed over it, and ${streamAt(of)} does not hold it`;
  return {
    verdict: "invalid",
    to,
    hop,
    reason,
    by: "link refused an event",
    since: storedAt,
    next: next.rootLog,
  };
}

function waitingAt(
  facts: WhyFacts,
  hop: string,
  { waiting, health, standing }: LinkFact,
  since: string,
): Verdict {
  const why =
    health === undefined
      ? "no root daemon answers"
      : health.ready
        ? `${standing === "given" ? "the link is at it" : "the link is behind"} (${health.note})`
        : health.note;
  const reason = `${waiting} events wait for it: ${why}`;
  return { verdict: "waiting at a link", to: facts.to, hop, reason, since, next: commandsOf(facts).status };
}

function expired(facts: WhyFacts, stream: string, fact: StreamFact): Verdict {
  const first = fact.kind === "missing" ? fact.firstAt : undefined;
  const reason = `${stream} holds nothing from before ${first ?? "now"}: the stream's limits have removed it, if it was there`;
  return {
    verdict: "expired",
    to: facts.to,
    hop: stream,
    reason,
    since: facts.since,
    next: commandsOf(facts).topics,
  };
}

/** The stream from which the member is served holds it. */
function atMember(facts: WhyFacts, storedAt: string): Verdict[] {
  const { durables, to } = facts;
  const meant = durables.filter(({ standing }) => standing !== "foreign");
  if (meant.length > 0) return meant.map((durable) => durableVerdict(facts, durable, storedAt));
  const subscribe = answer(facts, "subscribe");
  if (subscribe?.allowed === false) return [byPolicy(facts, subscribe)];
  const told = newestDenial(facts, "subscribe");
  const next = commandsOf(facts).durables;
  const hop = to;
  if (durables.length === 0) {
    const denied = told === undefined ? "" : `; it was denied ${told.event} by ${told.rule}`;
    const reason = `${to} has no durable: no program of it has ever subscribed, or the durable was deleted${denied}`;
    return [{ verdict: "no durable", to, hop, reason, since: storedAt, next }];
  }
  const others = durables.map(({ consumer }) => `${consumer.name} takes ${consumer.pattern}`).join(", ");
  const reason = `no durable of ${to} takes it: ${others}`;
  return [{ verdict: "not subscribed", to, hop, reason, since: storedAt, next }];
}
