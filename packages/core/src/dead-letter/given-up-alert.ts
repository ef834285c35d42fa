import { classify, DISK_FULL } from "../handle/classify.ts";
import { failureInfo } from "../handle/failure-info.ts";
import type { RetryPolicy } from "../handle/retry-policy.ts";
import { ALERTS } from "../measure/catalogue/alert-catalogue.ts";
import type { Logger } from "../transport.ts";
import type { FailureJournal } from "./failure-journal.ts";

/** An event or an action that failed for the last time, and of which a person should know. */
export interface GivenUpAlert {
  /** Its rule in the catalogue of alerts: the dead letter is judged by the hub too. */
  readonly rule: string;
  /** `alpha/desk` */
  readonly component: string;
  readonly durable: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly category: string;
  readonly attempts: number;
  /** Type and message, no stack. */
  readonly error: string;
}

/**
 * Reports a given-up event when the policy asks for it, or when a disk is full, which no retry repairs. The report is a
 * warning in the log, and the journal's alert. Never throws.
 */
export function alertGivenUp(
  { journal, log }: { readonly journal: FailureJournal; readonly log: Logger },
  { alertsWhenGivenUp }: RetryPolicy,
  given: Omit<GivenUpAlert, "error" | "rule">,
  thrown: unknown,
): void {
  if (!alertsWhenGivenUp && classify(thrown).rule !== DISK_FULL) return;
  const { type, message } = failureInfo(thrown);
  const alert: GivenUpAlert = { rule: ALERTS.deadLetterCame.name, ...given, error: `${type}: ${message}` };
  log.warn({ ...alert, alert: true }, "handling given up");
  journal.alert?.(alert);
}
