// What a skill imports: `@adaos/skills/skill`. It loads nothing else, for a skill's process stays small.

/** An event as a handler gets it: its envelope. */
export interface SkillEvent<TData = unknown> {
  readonly event_id: string;
  readonly event_name: string;
  readonly version: number;
  readonly kind: "event" | "command" | "reply";
  readonly ts: string;
  readonly source: string;
  readonly correlation_id: string;
  readonly causation_id?: string | null;
  readonly tenant: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: TData;
}

export interface SkillPublishOptions {
  /** Names the effect: the same key in the same delivery is one event, whatever its data. */
  readonly key?: string;
}

/** What a skill can do in the mesh: what its `skill.yaml` declares and policy allows. */
export interface SkillContext {
  /** Name of the skill. */
  readonly skill: string;
  readonly log: Readonly<
    Record<"debug" | "info" | "warn" | "error", (message: string, fields?: object) => void>
  >;
  /**
   * Publishes an event, named with its version (`ui.notify@1`) or without. Resolves when it is stored. Rejects with an
   * error whose `code` is one of the mesh's: `denied`, `invalid-event`, `unknown-event`, `backpressure` …
   */
  publish(event: string, data: unknown, options?: SkillPublishOptions): Promise<{ readonly eventId: string }>;
  /** Publishes a command and waits for its reply. Rejects as `publish` does, and with `timeout` or `failed`. */
  request(command: string, data: unknown, options?: { readonly timeoutMs?: number }): Promise<SkillEvent>;
}

/** Of one delivery. What it publishes is caused by the handled event, and is stored once if it is handled again. */
export interface HandlerContext extends SkillContext {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborted when the handler's time is up, or the skill stops. */
  readonly signal: AbortSignal;
}

/** What it returns answers the request of a command, and is ignored with anything else. */
export type SkillHandler = (event: SkillEvent<never>, context: HandlerContext) => unknown;

/** What the module of a skill exports. */
export interface Skill {
  /** By the events of `events.subscribe` in `skill.yaml`, written as they are there. */
  readonly handlers: Readonly<Record<string, SkillHandler>>;
  /** Runs before the first event. */
  readonly start?: (context: SkillContext) => unknown;
  /** Runs before the process ends in order, for at most two seconds. */
  readonly stop?: () => unknown;
}

/** Gives a skill its types. */
export function defineSkill(skill: Skill): Skill {
  return skill;
}

/** A handler that throws this asks for another attempt. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  /** @default what the retry policy says */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A handler that throws this says that no further attempt can help. */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
}
