import { byRef, compareRegistries, type EventChange, isBreaking, type ReleasedEvent } from "@adaos/registry";
import type { Finding } from "../lint/findings.ts";
import type { LintRule } from "../lint/rules.ts";

/** A reason why a registry may not be served. */
export interface GateFault {
  readonly rule: LintRule;
  /**
   * The place of lint's finding, `registry.yaml:12:3`, or the event that would break users of the registry in
   * force.
   */
  readonly at: string;
  /** The problem and its remedy. */
  readonly told: string;
}

/** How an event changes when a registry is put in force. */
export interface GateChange {
  /** `name@major`. */
  readonly event: string;
  readonly change: "new" | "changed" | "deprecated" | "removed" | "breaking";
  readonly notes: readonly string[];
}

/** The effect of a registry's change on its users. Without faults it may be served. */
export interface GateVerdict {
  readonly changes: readonly GateChange[];
  readonly faults: readonly GateFault[];
}

/**
 * Decides whether a registry may be served: lint finds no error, and no user of the registry in force breaks.
 * Drafts change freely, and deprecated events may go. Pure.
 * @param findings Errors of lint.
 * @param inForce Undefined before the first registry of a mesh.
 */
export function decideGate(
  findings: readonly Finding[],
  inForce: readonly ReleasedEvent[],
  candidate: readonly ReleasedEvent[],
): GateVerdict {
  const linted = findings.map(({ rule, file, line, column, message, suggestion }): GateFault => {
    const meant = suggestion === undefined ? "" : `; perhaps ${suggestion}`;
    return { rule, at: `${file}:${line}:${column}`, told: `${message}${meant}` };
  });
  const [before, after] = [byRef(inForce), byRef(candidate)];
  const faults: GateFault[] = [];
  const changes = compareRegistries(inForce, candidate).map((change): GateChange => {
    const { event } = change;
    const [was, is] = [before.get(event), after.get(event)];
    const fault = was === undefined ? undefined : faultOf(change, was, is);
    if (fault !== undefined) faults.push(fault);
    const notes = fault === undefined ? change.notes : [fault.told];
    return { event, change: fault === undefined ? nameOf(change, was, is) : "breaking", notes };
  });
  // The lock has already reported the same event.
  const isNew = ({ rule, at }: GateFault): boolean =>
    !linted.some((one) => one.rule === rule && one.told.startsWith(`${at} `));
  return { changes, faults: [...linted, ...faults.filter(isNew)] };
}

function faultOf(
  change: EventChange,
  was: ReleasedEvent,
  is: ReleasedEvent | undefined,
): GateFault | undefined {
  const { event: at } = change;
  const { name, version, status } = was.record;
  if (status === "draft") return undefined;
  if (is === undefined) {
    if (status === "deprecated") return undefined;
    const told = "is in force and no longer declared; make it deprecated first, and remove it afterwards";
    return { rule: "released-removed", at, told };
  }
  if (is.record.status === "draft") {
    const told = "is in force and must not become a draft again; make it deprecated instead";
    return { rule: "released-removed", at, told };
  }
  if (!isBreaking(change)) return undefined;
  const [gap] = [...change.backward, ...change.forward];
  const what = `${gap?.pointer || "the data"} ${gap?.told ?? "changes"}`;
  const told = `breaks what is in force: ${what}; take it back and make it a new major version: adaos events scaffold ${name} --version ${version + 1}`;
  return { rule: "breaking-change", at, told };
}

function nameOf(
  { change }: EventChange,
  was: ReleasedEvent | undefined,
  is: ReleasedEvent | undefined,
): GateChange["change"] {
  if (change === "added") return "new";
  if (change === "removed") return "removed";
  const isDeprecated = is?.record.status === "deprecated" && was?.record.status !== "deprecated";
  return isDeprecated ? "deprecated" : "changed";
}
