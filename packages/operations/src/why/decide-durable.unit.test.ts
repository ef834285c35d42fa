import { describe, expect, test } from "vitest";
import {
  AT,
  arrived,
  consumer,
  denying,
  down,
  durable,
  factsOf,
  held,
  ID,
  LATER,
  letter,
  NOW_MS,
  near,
  record,
  type WhyCase,
  waiting,
} from "../../../../test/kit/why-facts.ts";
import { decideWhy } from "./decide-why.ts";

const CASES: readonly WhyCase[] = [
  // At the member.
  [
    "it was settled",
    arrived(durable()),
    { verdict: "delivered", to: "beta/desk/screen", next: `adaos trace ${ID}` },
  ],
  [
    "it was settled within the subnet",
    { more: { ...near, origin: held, durables: [durable()] } },
    { verdict: "delivered" },
  ],
  [
    "it was settled, whatever policy says by now",
    { target: held, more: { durables: [durable()], policy: denying("import") } },
    { verdict: "delivered" },
  ],
  [
    "it was settled after retries",
    arrived(durable({ record: record("success") })),
    { verdict: "delivered", since: LATER },
  ],
  [
    "its success is recorded, its place not settled yet",
    arrived(durable({ standing: "given", record: record("success") })),
    { verdict: "delivered" },
  ],
  ["the member has no durable", arrived(), { verdict: "no durable", to: "beta/desk" }],
  [
    "the member has no durable and may not subscribe",
    { target: held, more: { policy: denying("subscribe") } },
    { verdict: "denied", hop: "subscribe beta/desk", place: "mesh.yaml:12" },
  ],
  [
    "the member has other durables",
    arrived(durable({ standing: "foreign" })),
    { verdict: "not subscribed", to: "beta/desk" },
  ],
  [
    "the member has other durables and may not subscribe it",
    { target: held, more: { durables: [durable({ standing: "foreign" })], policy: denying("subscribe") } },
    { verdict: "denied" },
  ],
  [
    "the durable begins behind it",
    arrived(durable({ standing: "before" })),
    {
      verdict: "no durable",
      to: "beta/desk/screen",
      next: `adaos events replay ui.notify@1 --at beta --to desk/screen --since ${AT} --dry-run`,
    },
  ],
  ["it is parked", arrived(durable({ isParked: true })), { verdict: "parked", by: "unknown-event" }],
  [
    "it is parked, and an older failure is on record",
    arrived(durable({ isParked: true, record: record("failed") })),
    { verdict: "parked" },
  ],
  [
    "it is a dead letter, permanent",
    arrived(durable({ letter: letter("TypeError") })),
    { verdict: "dead letter", by: "TypeError: no such screen", next: `adaos events retry ${ID}` },
  ],
  [
    "it is a dead letter, retries spent",
    arrived(durable({ letter: letter("ETIMEDOUT", "transient"), record: record("dead_letter") })),
    { verdict: "dead letter", since: LATER },
  ],
  [
    "it breaks its contract",
    arrived(durable({ letter: letter("mesh invalid-event") })),
    { verdict: "invalid", next: `adaos events detail ${ID}` },
  ],
  [
    "its event is unknown to the handler for good",
    arrived(durable({ letter: letter("mesh unknown-event") })),
    { verdict: "invalid" },
  ],
  [
    "its handler was denied something",
    arrived(durable({ letter: letter("mesh denied") })),
    { verdict: "denied", hop: "beta/desk/screen" },
  ],
  [
    "it failed for good, and its dead letter was purged",
    arrived(durable({ record: record("failed") })),
    { verdict: "dead letter", by: "Error: screen is busy" },
  ],
  [
    "its retries were spent, and its dead letter was run again",
    arrived(durable({ record: record("dead_letter") })),
    { verdict: "dead letter", next: `adaos trace ${ID}` },
  ],
  [
    "it waits for its next attempt",
    arrived(durable({ standing: "given", record: record("retrying"), consumer: consumer({ unsettled: 1 }) })),
    { verdict: "retrying", by: "Error: screen is busy", since: LATER },
  ],
  [
    "it waits for its next attempt, and nobody asks",
    arrived(
      durable({
        standing: "given",
        record: record("retrying"),
        consumer: consumer({ unsettled: 1, waiting: 0, lastActiveMs: 0 }),
      }),
    ),
    { verdict: "retrying" },
  ],
  [
    "the durable is paused by policy",
    { target: held, more: { durables: [waiting({ paused: true })], policy: denying("subscribe") } },
    { verdict: "paused", by: "default-deny", place: "mesh.yaml:12" },
  ],
  [
    "the durable is paused by somebody",
    arrived(waiting({ paused: true })),
    { verdict: "paused", next: "adaos policy explain subscribe ui.notify --as beta/desk" },
  ],
  [
    "the durable is paused, the event before that was settled",
    arrived(durable({ consumer: consumer({ paused: true }) })),
    { verdict: "delivered" },
  ],
  [
    "the durable is behind",
    arrived(waiting()),
    { verdict: "lagging", next: "adaos durables list --at beta --node beta/desk" },
  ],
  ["the handler has its hands full", arrived(waiting({ waiting: 0, unsettled: 5 })), { verdict: "lagging" }],
  [
    "the handler is at it",
    arrived(durable({ standing: "given", consumer: consumer({ unsettled: 1, settledSeq: 6 }) })),
    { verdict: "lagging" },
  ],
  [
    "an attempt has begun and no other is on record",
    arrived(
      durable({
        standing: "given",
        record: record("pending"),
        consumer: consumer({ unsettled: 1, settledSeq: 6 }),
      }),
    ),
    { verdict: "lagging" },
  ],
  [
    "nobody asks for it",
    arrived(waiting({ waiting: 0 })),
    { verdict: "node down", hop: "beta/desk/screen", next: "adaos status" },
  ],
  [
    "nobody asks, and the daemon of the member is down",
    { target: held, more: { durables: [waiting({ waiting: 0 })], ...down(false) } },
    { verdict: "node down" },
  ],
  [
    "nobody has asked for long, with events in its hands",
    arrived(waiting({ waiting: 0, unsettled: 1, lastActiveMs: NOW_MS - 60_000 })),
    { verdict: "node down" },
  ],
  [
    "nobody has ever asked",
    arrived(
      durable({
        standing: "waiting",
        consumer: { ...consumer({ givenSeq: 0, waiting: 0, unsettled: 1 }), lastActiveMs: 0 },
      }),
    ),
    { verdict: "node down" },
  ],
  [
    "its daemon is down, but a program of it asks",
    { target: held, more: { durables: [waiting()], ...down(false) } },
    { verdict: "lagging" },
  ],
];

describe("decideWhy(), at a member whose stream holds it", () => {
  test.each(CASES)("%s", (_what, facts, expected) => {
    expect(decideWhy(factsOf(facts))).toMatchObject([expected]);
  });

  test("a verdict for each durable that takes it", () => {
    const lamp = waiting({ name: "beta/desk/lamp" });
    const found = decideWhy(factsOf(arrived(durable(), lamp, durable({ standing: "foreign" }))));
    expect(found.map(({ to, verdict }) => [to, verdict])).toEqual([
      ["beta/desk/screen", "delivered"],
      ["beta/desk/lamp", "lagging"],
    ]);
  });

  test("each verdict has a reason of one sentence and a command", () => {
    for (const [what, facts] of CASES)
      for (const { reason, next } of decideWhy(factsOf(facts))) {
        expect(reason, what).not.toMatch(/undefined|\n/);
        expect(next, what).toMatch(/^(adaos|grep) /);
      }
  });
});
