/**
 * The codes of all errors, as a closed list. Branch on `code`, never on `message`.
 *
 * | code | meaning | try again? |
 * |---|---|---|
 * | `usage` | the call or command line is malformed | no |
 * | `invalid-config` | a config, policy or registry file is wrong | no |
 * | `invalid-event` | name, envelope or data breaks its contract | no |
 * | `unknown-event` | the registry has no such event or version | no |
 * | `denied` | no policy rule allows it, or it is not signed as it should be | no |
 * | `too-large` | the envelope exceeds its limit | no |
 * | `backpressure` | a bounded queue or stream is full, or a budget is spent | later |
 * | `unavailable` | no server, hub or link answers | later |
 * | `no-handler` | nobody handles the command of a request | no |
 * | `failed` | the handler of a request, or a run, failed for good | no |
 * | `timeout` | no answer in time: the outcome is unknown | with the same event id |
 * | `closed` | used after `close()` | no |
 * | `internal` | our bug | no |
 */
export const MESH_ERROR_CODES = [
  "usage",
  "invalid-config",
  "invalid-event",
  "unknown-event",
  "denied",
  "too-large",
  "backpressure",
  "unavailable",
  "no-handler",
  "failed",
  "timeout",
  "closed",
  "internal",
] as const;

export type MeshErrorCode = (typeof MESH_ERROR_CODES)[number];

/** One broken rule of a schema. */
export interface Violation {
  /** JSON pointer into the event's data; `""` is the data itself. */
  readonly pointer: string;
  /** The schema's demand at that place, for example `must be number`. */
  readonly expected: string;
}

export interface MeshErrorOptions extends ErrorOptions {
  /** With `failed`: id of the failed run; `adaos events detail <id>` lists its attempts. */
  readonly runId?: string;
  /** With `denied`: id of the rule that refused. */
  readonly rule?: string;
  /** With `invalid-event`: the rules of the schema that were broken, at most 20. */
  readonly violations?: readonly Violation[];
  /** With `invalid-event` and `unknown-event`: `$id` or file of the schema. */
  readonly schema?: string;
}

/** The one error class of the mesh: a code to branch on, one sentence to read, the cause kept. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: MeshErrorCode;
  readonly runId: string | undefined;
  readonly rule: string | undefined;
  readonly violations: readonly Violation[];
  readonly schema: string | undefined;

  constructor(code: MeshErrorCode, message: string, options: MeshErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.runId = options.runId;
    this.rule = options.rule;
    this.violations = options.violations ?? [];
    this.schema = options.schema;
  }

  /** Wraps a foreign error as `code`; a MeshError passes unchanged. */
  static from(cause: unknown, code: MeshErrorCode, what: string): MeshError {
    if (cause instanceof MeshError) return cause;
    return new MeshError(code, `${what}: ${messageOf(cause)}`, { cause });
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message || thrown.name : thrown);
  } catch {
    // An object without prototype, or with a toString() that throws: reporting an error must not fail.
    return Object.prototype.toString.call(thrown);
  }
}
