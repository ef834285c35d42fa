import { hostname, userInfo } from "node:os";
import { z } from "zod";

/** The event that reports acts of operators. */
export const AUDIT_RECORDED = "mesh.audit.recorded";

/** An act that an operator is about to do. */
export interface AuditedAct {
  /** The command: `events.dlq.purge`. */
  readonly action: string;
  /** The object of the act, in words, without secrets. */
  readonly what: string;
  /** The subnets that the act concerns. @default every subnet with a hub on this machine */
  readonly subnets?: readonly string[] | undefined;
  /** Who asked for it, where that is not the user of the process: the holder of a token of the viewer. */
  readonly by?: string | undefined;
}

/** How an act has ended. `unknown`: its process died before it could say. */
export type AuditOutcome = "done" | "partly" | "failed" | "unknown";

/** One act, as its event reports it. Times are RFC 3339. */
export interface AuditRecord {
  readonly id: string;
  readonly action: string;
  /** `alice@host` */
  readonly who: string;
  readonly what: string;
  readonly began_at: string;
  readonly ended_at?: string | undefined;
  readonly outcome: AuditOutcome;
  /** How many it was done to. */
  readonly count: number;
  /** How many it could not be done to. */
  readonly failed?: number | undefined;
  readonly error?: string | undefined;
}

const MAX_TEXT = 500;
const text = z.string().min(1).max(MAX_TEXT);
const count = z.number().int().nonnegative();

/** The data of {@link AUDIT_RECORDED}. */
export const auditDataSchema: z.ZodType<Omit<AuditRecord, "id">> = z.object({
  action: text,
  who: text,
  what: text,
  began_at: text,
  ended_at: text.optional(),
  outcome: z.enum(["done", "partly", "failed", "unknown"]),
  count,
  failed: count.optional(),
  error: text.optional(),
});

/** As much of a text as a record takes. Pure. */
export function auditText(value: string): string {
  const shown = value.trim().slice(0, MAX_TEXT);
  return shown === "" ? "-" : shown;
}

/**
 * The operator, as this machine knows them: the user who acts, and the user whose rights apply.
 * @param by Who asked for it, where that is another.
 */
export function actor(by?: string, env: NodeJS.ProcessEnv = process.env): string {
  const user = userName();
  const asked = by ?? env["SUDO_USER"];
  const who = asked === undefined || asked === user ? user : `${asked} (as ${user})`;
  return auditText(`${who}@${hostname()}`);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container a user may have a number and no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
