import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  readFileSync,
  renameSync,
  statSync,
} from "node:fs";
import { auditFile, openOwnLog, startTimeOf } from "@adaos/config";
import type { AuditOutcome, AuditRecord } from "./audit-record.ts";

/** The lines written of an act: its beginning, its end, and the hubs that have stored it. */
type AuditLine =
  | ({ readonly line: "begun"; readonly process: ActingProcess; readonly subnets?: readonly string[] } & Pick<
      AuditRecord,
      "id" | "action" | "who" | "what" | "began_at"
    >)
  | ({ readonly line: "ended"; readonly id: string } & AuditEnd)
  | { readonly line: "stored"; readonly id: string; readonly subnet: string };

export type BegunLine = Extract<AuditLine, { readonly line: "begun" }>;

/** A process by its id, and by its start, which differs for a later process of the same id. */
interface ActingProcess {
  readonly pid: number;
  readonly started: string;
}

export interface AuditEnd extends Pick<AuditRecord, "ended_at" | "count" | "failed" | "error"> {
  readonly outcome: AuditOutcome;
}

/** An act as this machine knows it. */
export interface KeptAct {
  readonly record: AuditRecord;
  /** Undefined: every subnet of this machine. */
  readonly subnets: readonly string[] | undefined;
  readonly storedAt: ReadonlySet<string>;
  /** Its process runs still. */
  readonly isGoingOn: boolean;
}

/** This file and the one before it hold some 20,000 acts each. */
const MAX_BYTES = 8 * 1024 ** 2;

/** The acts of this machine's operators, a line of JSON at each step, written before anything else knows of it. */
export class AuditFile {
  readonly path: string;

  constructor(stateDir: string) {
    this.path = auditFile(stateDir);
  }

  /** On disk when it returns. Throws the system's error. */
  append(line: AuditLine): void {
    if (existsSync(this.path) && statSync(this.path).size > MAX_BYTES)
      renameSync(this.path, before(this.path));
    const handle = openOwnLog(this.path, "a");
    try {
      // One write, so that the lines of two processes do not mix. A line that a crash cuts short spoils no other line.
      appendFileSync(handle, `\n${JSON.stringify(line)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }

  /** Oldest first. Lines that a crash has cut short are passed over. */
  read(): readonly KeptAct[] {
    const begun = new Map<string, BegunLine>();
    const ended = new Map<string, AuditEnd>();
    const stored = new Map<string, Set<string>>();
    for (const line of [...linesOf(before(this.path)), ...linesOf(this.path)]) {
      if (line.line === "begun") begun.set(line.id, line);
      else if (line.line === "ended") ended.set(line.id, line);
      else if (line.line === "stored") {
        const known = stored.get(line.id) ?? new Set();
        stored.set(line.id, known.add(line.subnet));
      }
    }
    return [...begun.values()].map((act) => keptAct(act, ended.get(act.id), stored.get(act.id)));
  }
}

/** The process that acts now. */
export function thisProcess(): ActingProcess {
  return { pid: process.pid, started: startTimeOf(process.pid) ?? "" };
}

function keptAct(
  { id, action, who, what, began_at, subnets, process: { pid, started } }: BegunLine,
  end: AuditEnd | undefined,
  storedAt: ReadonlySet<string> = new Set(),
): KeptAct {
  const { outcome = "unknown", count = 0, ended_at, failed, error } = end ?? {};
  const told = { ...(failed === undefined ? {} : { failed }), ...(error === undefined ? {} : { error }) };
  const ending = ended_at === undefined ? {} : { ended_at };
  return {
    record: { id, action, who, what, began_at, ...ending, outcome, count, ...told },
    subnets,
    storedAt,
    isGoingOn: end === undefined && started !== "" && startTimeOf(pid) === started,
  };
}

function before(file: string): string {
  return `${file}.1`;
}

function linesOf(file: string): AuditLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((text) => {
      try {
        return text === "" ? [] : [JSON.parse(text) as AuditLine];
      } catch {
        return [];
      }
    });
}
