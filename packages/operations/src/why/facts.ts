import type { ProcessingRecord } from "@adaos/core/wire";
import type { DeadLetterSummary } from "../dead-letters/dead-letters.ts";
import type { EventConsumer, Standing } from "../standing/event-consumer.ts";

/** The decision of policy on one hop of the event. */
export interface PolicyAnswer {
  readonly verb: "publish" | "subscribe" | "export" | "import";
  /** `alpha/kitchen`, or `alpha` of a subnet. */
  readonly who: string;
  readonly allowed: boolean;
  readonly rule: string;
  readonly reason?: string;
  /** File and line of the rule, where it stands in a file. */
  readonly place?: string;
}

/** A denial that a hub or the root has reported. */
export interface SeenDenial {
  readonly hop: "publish" | "subscribe" | "reply" | "export" | "import";
  readonly node: string;
  /** An event, a subject or a pattern. */
  readonly event: string;
  readonly from?: string | undefined;
  readonly eventId?: string | undefined;
  readonly rule: string;
  readonly reason: string;
  /** How often since it was reported before. */
  readonly count?: number | undefined;
  /** RFC 3339. */
  readonly since: string;
}

/** The state of a daemon, a server or a link, as `adaos status` reports it. */
export interface SeenHealth {
  readonly ready: boolean;
  readonly note: string;
}

/** A stream that should hold the event. */
export type StreamFact =
  | { readonly kind: "held"; readonly seq: number; readonly storedAt: string }
  | {
      readonly kind: "missing";
      /** RFC 3339: of the first message that it holds; undefined for an empty stream. */
      readonly firstAt?: string | undefined;
    }
  | { readonly kind: "away"; readonly reason: string };

/** A link on its way. */
export interface LinkFact {
  /** The state of the event at it; undefined when there is no such link, or the event's place is not known. */
  readonly standing?: Standing | undefined;
  /** How many wait for it. */
  readonly waiting: number;
  readonly health?: SeenHealth | undefined;
  /** Why the link refused it, and where the log says so. */
  readonly refusal?: { readonly code: string; readonly reason: string; readonly place: string } | undefined;
}

/** A durable of the member that should have it. */
export interface DurableFact {
  readonly consumer: EventConsumer;
  readonly standing: Standing;
  readonly record?: ProcessingRecord | undefined;
  readonly letter?: DeadLetterSummary | undefined;
  readonly isParked: boolean;
}

/** The facts of the event on its publisher's own disk. */
export interface OutboxFact {
  /** RFC 3339: since when it waits there for the hub. */
  readonly waitsSince?: string | undefined;
  /** The hub's refusal for good. */
  readonly refused?:
    | { readonly code: string; readonly message: string; readonly at: string; readonly place: string }
    | undefined;
}

/** All that is known of an event and of one member that should have it. */
export interface WhyFacts {
  readonly nowMs: number;
  /** `id` when one event is meant, rather than the one that was published last. */
  readonly event: { readonly name: string; readonly version: number; readonly id?: string | undefined };
  /** RFC 3339: when it was published, by its id or its streams; else the beginning of the search. */
  readonly since: string;
  /** `alpha/kitchen` */
  readonly from: string;
  /** `beta/desk` */
  readonly to: string;
  readonly isInRegistry: boolean;
  /** Every hop in order. */
  readonly policy: readonly PolicyAnswer[];
  /** Oldest first; of this event, or of this publisher since the time. */
  readonly denials: readonly SeenDenial[];
  /** Calls of publish that were rejected since, by code: counted, not by event. */
  readonly failedPublishes: ReadonlyMap<string, number>;
  readonly outbox: OutboxFact;
  /** The log of the root's daemon, where it is a file on this machine. */
  readonly rootLog?: string | undefined;
  /** The state of the two members, by name. */
  readonly members: ReadonlyMap<string, SeenHealth>;
  readonly origin: StreamFact;
  /** Where it crosses the root. */
  readonly crossing?:
    | {
        readonly up: LinkFact;
        readonly mesh: StreamFact;
        readonly down: LinkFact;
        readonly target: StreamFact;
      }
    | undefined;
  readonly durables: readonly DurableFact[];
}

export type VerdictWord =
  | "delivered"
  | "denied"
  | "invalid"
  | "never published"
  | "in outbox"
  | "waiting at a link"
  | "lagging"
  | "no durable"
  | "paused"
  | "retrying"
  | "dead letter"
  | "parked"
  | "expired"
  | "rate-limited"
  | "not subscribed"
  | "node down";

/** The fate of an event on its way to one durable or member. Field names are those that `--json` prints. */
export interface Verdict {
  readonly verdict: VerdictWord;
  /** `beta/desk/screen`, or `beta/desk` where no durable of it takes the event. */
  readonly to: string;
  /** Where it stands: `publish alpha/kitchen`, `link up alpha`, `EVENTS_beta`, `beta/desk/screen`. */
  readonly hop: string;
  /** One sentence. */
  readonly reason: string;
  /** The rule or the error. */
  readonly by?: string;
  /** File and line of the rule, or of the log. */
  readonly place?: string;
  /** RFC 3339. */
  readonly since?: string;
  /** The next command to run. */
  readonly next: string;
}
