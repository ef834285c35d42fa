import type {
  DurableFact,
  EventConsumer,
  LinkFact,
  PolicyAnswer,
  SeenDenial,
  StreamFact,
  Verdict,
  WhyFacts,
} from "@adaos/operations";

type ProcessingRecord = NonNullable<DurableFact["record"]>;
type DeadLetterSummary = NonNullable<DurableFact["letter"]>;

/** Prepared facts of an event from alpha/kitchen to beta/desk, for tests of the verdicts. */

export const ID = "EVT-20260105-093000-0123456789ab";
export const AT = "2026-01-05T09:30:00.000Z";
export const LATER = "2026-01-05T09:40:00.000Z";
export const NOW_MS = Date.parse("2026-01-05T10:00:00Z");

export const held: StreamFact = { kind: "held", seq: 7, storedAt: AT };
export const missing: StreamFact = { kind: "missing", firstAt: "2026-01-01T00:00:00Z" };
export const empty: StreamFact = { kind: "missing" };
export const younger: StreamFact = { kind: "missing", firstAt: LATER };
export const away: StreamFact = { kind: "away", reason: "connection refused" };

export const passed: LinkFact = {
  standing: "settled",
  waiting: 0,
  health: { ready: true, note: "9 carried" },
};
export const behind: LinkFact = {
  standing: "waiting",
  waiting: 4,
  health: { ready: true, note: "9 carried" },
};

export const allow = (verb: PolicyAnswer["verb"], who: string): PolicyAnswer => ({
  verb,
  who,
  allowed: true,
  rule: `${who}.${verb}`,
});
export const ALLOWED = [
  allow("publish", "alpha/kitchen"),
  allow("export", "alpha"),
  allow("import", "beta"),
  allow("subscribe", "beta/desk"),
];
export const denying = (verb: PolicyAnswer["verb"]): PolicyAnswer[] =>
  ALLOWED.map((one) =>
    one.verb === verb
      ? {
          ...one,
          allowed: false,
          rule: "default-deny",
          reason: `no rule allows ${verb}`,
          place: "mesh.yaml:12",
        }
      : one,
  );

export const denial = (hop: SeenDenial["hop"], node: string, more: Partial<SeenDenial> = {}): SeenDenial => ({
  hop,
  node,
  event: "ui.notify@1",
  rule: "default-deny",
  reason: "no rule allows it",
  since: LATER,
  ...more,
});

export const consumer = (more: Partial<EventConsumer> = {}): EventConsumer => ({
  of: "beta",
  kind: "durable",
  name: "beta/desk/screen",
  filters: ["evt.>"],
  givenSeq: 7,
  settledSeq: 7,
  unsettled: 0,
  retryingSeqs: [],
  pending: 0,
  waiting: 1,
  paused: false,
  begins: { kind: "all" },
  pattern: "ui.",
  lastActiveMs: NOW_MS - 1000,
  ...more,
});

export const durable = (more: Partial<DurableFact> = {}): DurableFact => ({
  consumer: consumer(),
  standing: "settled",
  isParked: false,
  ...more,
});

export const record = (status: ProcessingRecord["status"], rule = "ETIMEDOUT"): ProcessingRecord => ({
  event_id: ID,
  timestamp: LATER,
  event_type: "ui.notify",
  source: "app@kitchen",
  node: "beta/desk",
  durable: "screen",
  stream: "EVENTS_beta",
  seq: 7,
  status,
  error_info: {
    category: "transient",
    message: "screen is busy\nvery",
    type: "Error",
    stacktrace: "",
    context: { rule },
  },
  retry_info: { count: 2, max_retries: 3, next_retry_at: "2026-01-05T10:00:08.000Z" },
  recovery_actions: [],
});

export const letter = (
  rule: string,
  category: "transient" | "permanent" = "permanent",
): DeadLetterSummary => ({
  subnet: "beta",
  dead_letter_id: "DLQ-EVENTS_beta-7-desk.screen",
  at: LATER,
  category,
  rule,
  error: { type: "TypeError", message: "no such screen", stack: "" },
  attempts: [{ at: LATER, type: "TypeError", message: "no such screen" }],
  delivery_count: 1,
  node: "beta/desk",
  durable: "screen",
  stream: "EVENTS_beta",
  seq: 7,
  subject: "evt.alpha.kitchen.ui.notify.v1",
  event_id: ID,
  event_name: "ui.notify",
  correlation_id: ID,
});

export interface Case {
  /** Facts of the links. */
  readonly up?: LinkFact;
  readonly mesh?: StreamFact;
  readonly down?: LinkFact;
  readonly target?: StreamFact;
  /** All other facts. */
  readonly more?: Partial<WhyFacts>;
}

export function factsOf({
  up = passed,
  mesh = missing,
  down = passed,
  target = missing,
  more = {},
}: Case): WhyFacts {
  return {
    nowMs: NOW_MS,
    event: { name: "ui.notify", version: 1, id: ID },
    since: AT,
    from: "alpha/kitchen",
    to: "beta/desk",
    isInRegistry: true,
    policy: ALLOWED,
    denials: [],
    failedPublishes: new Map(),
    outbox: {},
    members: new Map(),
    origin: missing,
    crossing: { up, mesh, down, target },
    durables: [],
    ...more,
  };
}

/** For an event name without stored events. */
export const unnamed = { event: { name: "ui.notify", version: 1 } };
export const near = { crossing: undefined, to: "alpha/speaker" };
export const arrived = (...durables: readonly DurableFact[]): Case => ({ target: held, more: { durables } });
export const failing = (code: string): Case => ({
  more: { ...unnamed, failedPublishes: new Map([[code, 3]]) },
});
export const refusal = (code: string): NonNullable<LinkFact["refusal"]> => ({
  code,
  reason: "not signed",
  place: "root.log:9",
});
export const refused = (code: string): Case => ({
  more: { outbox: { refused: { code, message: "no", at: LATER, place: "refused.ndjson:1" } } },
});
export const down = (ready: boolean): Partial<WhyFacts> => ({
  members: new Map([["beta/desk", { ready, note: "is not running" }]]),
});
export const waiting = (more: Partial<EventConsumer> = {}): DurableFact =>
  durable({ standing: "waiting", consumer: consumer({ givenSeq: 6, pending: 2, ...more }) });

/** A table row: description, facts, and the expected single verdict. */
export type WhyCase = readonly [what: string, facts: Case, expected: Partial<Verdict>];
