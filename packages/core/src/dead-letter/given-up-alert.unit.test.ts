import { beforeEach, describe, expect, test } from "vitest";
import {
  envelopeOf,
  messageOfEnvelope,
  RecordingJournal,
  RecordingLog,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import { NonRetryableError } from "../handle/classify.ts";
import { type FailureEnding, FailureHandling, NO_HISTORY } from "../handle/failure-handling.ts";
import { type RetryOptions, resolveRetry } from "../handle/retry-policy.ts";
import { runAction } from "../run/run.ts";
import { parseDeliverySubject } from "../wire/subject.ts";
import type { GivenUpAlert } from "./given-up-alert.ts";

const ADDRESS = { subnet: "alpha", node: "desk" };

class AlertedJournal extends RecordingJournal {
  readonly alerts: GivenUpAlert[] = [];
  alert(alert: GivenUpAlert): void {
    this.alerts.push(alert);
  }
}

let journal: AlertedJournal;
let log: RecordingLog;
beforeEach(() => {
  journal = new AlertedJournal();
  log = new RecordingLog();
});

const warnings = () => log.lines.filter(({ event }) => event === "handling given up");

/** The failed attempts of one event, one after another. */
async function failures(retry: RetryOptions, errors: readonly unknown[]): Promise<FailureEnding[]> {
  const settings = { address: ADDRESS, durable: "d", retry: resolveRetry(retry), rules: [], journal, log };
  const handling = new FailureHandling(settings);
  const endings: FailureEnding[] = [];
  for (const [i, thrown] of errors.entries()) {
    const envelope = envelopeOf();
    const delivery = new TestDelivery(messageOfEnvelope(envelope), 7, i + 1);
    const address = parseDeliverySubject(delivery.message.subject);
    const history = i === 0 ? NO_HISTORY : await handling.historyOf(delivery, envelope.event_id);
    endings.push(await handling.failed({ delivery, address, envelope }, history, thrown));
  }
  return endings;
}

describe("the retry preset r-v0.1", () => {
  test("waits 5, 10 and 15 s, and ends with a warning in the log and one alert", async () => {
    const boom = new Error("boom");
    const endings = await failures("r-v0.1", [boom, boom, boom]);
    expect(endings.map(({ settlement }) => settlement)).toEqual([
      { kind: "nak", delayMs: 5000 },
      { kind: "nak", delayMs: 10_000 },
      { kind: "nak", delayMs: 15_000 },
    ]);
    expect(journal.alerts).toEqual([]);
    journal = new AlertedJournal();
    expect((await failures("r-v0.1", [boom, boom, boom, boom])).at(-1)?.outcome).toBe("deadLettered");
    const alert = {
      rule: "AdaosDeadLetterCame",
      component: "alpha/desk",
      durable: "d",
      event_id: envelopeOf().event_id,
      event_type: "ui.notify",
      category: "unknown",
      attempts: 4,
      error: "Error: boom",
    };
    expect(journal.alerts).toEqual([alert]);
    expect(warnings()).toEqual([
      { level: "warn", event: "handling given up", fields: { ...alert, alert: true } },
    ]);
  });

  test("alerts of a full disk whatever the policy, and of nothing else", async () => {
    const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    await failures({ maxRetries: 0 }, [new Error("boom")]);
    expect(journal.alerts).toEqual([]);
    await failures({ maxRetries: 0 }, [full]);
    expect(journal.alerts).toMatchObject([{ category: "transient", error: "Error: no space left" }]);
  });

  test("alerts at once of what no retry can cure", async () => {
    await failures("r-v0.1", [new NonRetryableError("no such screen")]);
    expect(journal.alerts).toMatchObject([{ category: "permanent", attempts: 1 }]);
  });

  test("does so for an action of a program's own, too", async () => {
    const runner = { address: ADDRESS, component: "app", journal, log };
    const run = runAction(
      runner,
      "backup.upload",
      () => Promise.reject(new NonRetryableError("no space")),
      { retry: "r-v0.1" },
      new AbortController().signal,
    );
    await expect(run).rejects.toThrow("no space");
    expect(journal.alerts).toMatchObject([
      { component: "alpha/desk", durable: "run", event_type: "backup.upload", attempts: 1 },
    ]);
  });
});

describe("other retry policies", () => {
  test("alert nobody, unless they are told to", async () => {
    await failures("p1", [new NonRetryableError("no")]);
    await failures({ maxRetries: 0 }, [new Error("no")]);
    expect([journal.alerts, warnings()]).toEqual([[], []]);
    await failures({ maxRetries: 0, alertsWhenGivenUp: true }, [new Error("no")]);
    expect(journal.alerts).toHaveLength(1);
  });
});
