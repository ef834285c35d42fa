import { describe, expect, test } from "vitest";
import {
  AT,
  away,
  behind,
  denial,
  denying,
  empty,
  factsOf,
  failing,
  held,
  ID,
  LATER,
  near,
  passed,
  refusal,
  refused,
  unnamed,
  type WhyCase,
  younger,
} from "../../../../test/kit/why-facts.ts";
import { decideWhy } from "./decide-why.ts";

const CASES: readonly WhyCase[] = [
  // At the publisher.
  [
    "it waits in the outbox",
    { more: { outbox: { waitsSince: AT } } },
    { verdict: "in outbox", since: AT, next: "adaos status" },
  ],
  [
    "it waits in the outbox while the hub is down",
    { more: { origin: away, outbox: { waitsSince: AT } } },
    { verdict: "in outbox" },
  ],
  [
    "it waits in the outbox, though policy denies it by now",
    { more: { outbox: { waitsSince: AT }, policy: denying("publish") } },
    { verdict: "in outbox" },
  ],
  [
    "the hub refused what the outbox held: denied",
    refused("denied"),
    { verdict: "denied", place: "refused.ndjson:1", since: LATER },
  ],
  [
    "the hub refused what the outbox held: invalid",
    refused("invalid-event"),
    { verdict: "invalid", by: "invalid-event" },
  ],
  ["the hub refused what the outbox held: too large", refused("too-large"), { verdict: "invalid" }],
  ["the hub refused what the outbox held: too much", refused("backpressure"), { verdict: "rate-limited" }],
  [
    "the publisher's server is down",
    { more: { origin: away } },
    { verdict: "node down", hop: "EVENTS_alpha" },
  ],
  [
    "the publisher's server is down, whatever policy says",
    { more: { origin: away, policy: denying("publish") } },
    { verdict: "node down" },
  ],
  [
    "policy denies the publish",
    { more: { policy: denying("publish") } },
    { verdict: "denied", hop: "publish alpha/kitchen", by: "default-deny", place: "mesh.yaml:12" },
  ],
  [
    "policy denies the publish of a name",
    { more: { ...unnamed, policy: denying("publish") } },
    { verdict: "denied" },
  ],
  [
    "policy denied it, and allows it by now",
    { more: { denials: [denial("publish", "alpha/kitchen", { eventId: ID })] } },
    { verdict: "denied", since: LATER },
  ],
  [
    "another member was denied it",
    { more: { denials: [denial("publish", "alpha/speaker")] } },
    { verdict: "never published" },
  ],
  [
    "another event was denied",
    { more: { denials: [denial("publish", "alpha/kitchen", { event: "nlp.x" })] } },
    { verdict: "never published" },
  ],
  [
    "the publisher had spent its budget",
    {
      more: {
        denials: [denial("publish", "alpha/kitchen", { event: "evt.alpha.kitchen.>", rule: "budget" })],
      },
    },
    {
      verdict: "rate-limited",
      by: "budget",
      next: "adaos events tail mesh.policy.denied --at alpha --since 1h",
    },
  ],
  [
    "somebody else had spent its budget",
    { more: { denials: [denial("publish", "alpha/speaker", { rule: "budget" })] } },
    { verdict: "never published" },
  ],
  [
    "the event is not in the registry",
    { more: { isInRegistry: false } },
    { verdict: "invalid", by: "unknown-event" },
  ],
  [
    "policy comes before the registry",
    { more: { isInRegistry: false, policy: denying("publish") } },
    { verdict: "denied" },
  ],
  [
    "its publishes were invalid, by the counters",
    failing("invalid-event"),
    { verdict: "invalid", next: "adaos events metrics" },
  ],
  ["its publishes were of an unknown event", failing("unknown-event"), { verdict: "invalid" }],
  ["its publishes were too many", failing("backpressure"), { verdict: "rate-limited" }],
  ["its publishes were denied", failing("denied"), { verdict: "denied" }],
  ["its publishes met a hub that was away", failing("unavailable"), { verdict: "never published" }],
  [
    "counters say nothing of one id",
    { more: { failedPublishes: new Map([["invalid-event", 3]]) } },
    { verdict: "never published" },
  ],
  [
    "the stream's limits have removed it",
    { more: { origin: younger } },
    { verdict: "expired", hop: "EVENTS_alpha" },
  ],
  ["a name has no age", { more: { ...unnamed, origin: younger } }, { verdict: "never published" }],
  [
    "nobody published it",
    { more: unnamed },
    {
      verdict: "never published",
      hop: "publish alpha/kitchen",
      next: "adaos events tail ui.notify@1 --at alpha --since 1h",
    },
  ],
  [
    "nobody published it, to an empty stream",
    { more: { ...unnamed, origin: empty } },
    { verdict: "never published" },
  ],
  [
    "nobody published it, and its daemon is down",
    { more: { ...unnamed, members: new Map([["alpha/kitchen", { ready: false, note: "is not running" }]]) } },
    { verdict: "never published" },
  ],
  [
    "nobody published it within the subnet",
    { more: { ...unnamed, ...near } },
    { verdict: "never published" },
  ],
  // At the link up.
  [
    "the link up is behind",
    { up: behind, more: { origin: held } },
    { verdict: "waiting at a link", hop: "link up alpha", since: AT },
  ],
  [
    "the link up is at it",
    { up: { ...behind, standing: "given" }, more: { origin: held } },
    { verdict: "waiting at a link" },
  ],
  [
    "the root is down",
    { up: { standing: "waiting", waiting: 1 }, mesh: away, more: { origin: held } },
    { verdict: "waiting at a link" },
  ],
  [
    "the link up is down",
    { up: { ...behind, health: { ready: false, note: "source: away" } }, more: { origin: held } },
    { verdict: "waiting at a link" },
  ],
  [
    "it waits though policy denies the export by now",
    { up: behind, more: { origin: held, policy: denying("export") } },
    { verdict: "waiting at a link" },
  ],
  [
    "policy denies the export",
    { up: { ...passed, standing: "foreign" }, more: { origin: held, policy: denying("export") } },
    { verdict: "denied", hop: "export alpha", place: "mesh.yaml:12" },
  ],
  [
    "there is no link, since nothing is exported",
    { up: { waiting: 0 }, more: { origin: held, policy: denying("export") } },
    { verdict: "denied", hop: "export alpha" },
  ],
  [
    "the root denied it",
    { more: { origin: held, denials: [denial("export", "alpha", { eventId: ID, rule: "origin" })] } },
    { verdict: "denied", hop: "export alpha", by: "origin", since: LATER },
  ],
  [
    "the root denied another one of its kind, and was told of the last",
    {
      more: {
        origin: held,
        denials: [denial("export", "alpha", { eventId: "EVT-20260105-093009-0123456789ab" })],
      },
    },
    { verdict: "denied" },
  ],
  [
    "its subnet had spent its share at the root",
    { more: { origin: held, denials: [denial("export", "alpha", { eventId: ID, rule: "budget" })] } },
    { verdict: "rate-limited", hop: "export alpha" },
  ],
  [
    "the log of the root says why the link refused it",
    { up: { ...passed, refusal: refusal("invalid-event") }, more: { origin: held } },
    { verdict: "invalid", hop: "link up alpha", by: "invalid-event", place: "root.log:9" },
  ],
  [
    "the link refused it as too large",
    { up: { ...passed, refusal: refusal("too-large") }, more: { origin: held } },
    { verdict: "invalid" },
  ],
  [
    "the link has passed over it, and nobody knows why",
    { more: { origin: held } },
    { verdict: "invalid", hop: "link up alpha" },
  ],
  [
    "the link has carried it, and the root's stream is younger",
    { mesh: younger, more: { origin: held } },
    { verdict: "expired", hop: "MESH" },
  ],
  [
    "the root's server is down, the link had passed it",
    { mesh: away, more: { origin: held } },
    { verdict: "node down", hop: "MESH" },
  ],
  [
    "policy lets it pass and the link does not take it",
    { up: { ...passed, standing: "foreign" }, more: { origin: held } },
    { verdict: "denied", next: "adaos policy diff" },
  ],
  // At the link down.
  [
    "the link down is behind",
    { mesh: held, down: behind },
    { verdict: "waiting at a link", hop: "link down beta" },
  ],
  [
    "the target's hub is down",
    { mesh: held, down: behind, target: away },
    { verdict: "waiting at a link", hop: "link down beta" },
  ],
  [
    "policy denies the import",
    { mesh: held, down: { ...passed, standing: "foreign" }, more: { policy: denying("import") } },
    { verdict: "denied", hop: "import beta", place: "mesh.yaml:12" },
  ],
  [
    "nothing is imported at all",
    { mesh: held, down: { waiting: 0 }, more: { policy: denying("import") } },
    { verdict: "denied", hop: "import beta" },
  ],
  [
    "the root denied the import of it",
    { mesh: held, more: { denials: [denial("import", "beta", { eventId: ID, from: "alpha" })] } },
    { verdict: "denied", hop: "import beta" },
  ],
  [
    "a third subnet does not import it",
    { mesh: held, more: { denials: [denial("import", "gamma", { eventId: ID, from: "alpha" })] } },
    { verdict: "invalid" },
  ],
  [
    "its subnet had spent its share at the target",
    { mesh: held, more: { denials: [denial("import", "beta", { eventId: ID, rule: "budget" })] } },
    { verdict: "rate-limited", next: "adaos events tail mesh.policy.denied --at beta --since 1h" },
  ],
  [
    "the link down refused it",
    { mesh: held, down: { ...passed, refusal: refusal("invalid-event") } },
    { verdict: "invalid", hop: "link down beta" },
  ],
  [
    "the target's stream is younger",
    { mesh: held, target: younger },
    { verdict: "expired", hop: "EVENTS_beta" },
  ],
  [
    "the target's server is down, the link had passed it",
    { mesh: held, target: away },
    { verdict: "node down", hop: "EVENTS_beta" },
  ],
  [
    "the root has it, its publisher's stream not any more",
    { mesh: held, down: behind, more: { origin: younger } },
    { verdict: "waiting at a link", hop: "link down beta" },
  ],
];

describe("decideWhy()", () => {
  test.each(CASES)("%s", (_what, facts, expected) => {
    expect(decideWhy(factsOf(facts))).toMatchObject([expected]);
  });

  test("each verdict has a reason of one sentence and a command", () => {
    for (const [what, facts] of CASES)
      for (const { reason, next } of decideWhy(factsOf(facts))) {
        expect(reason, what).not.toMatch(/undefined|\n/);
        expect(next, what).toMatch(/^(adaos|grep) /);
      }
  });
});
