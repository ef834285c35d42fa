import { type AutoApply, configErrorOf } from "@adaos/config";
import { counted } from "@adaos/core/wire";
import type { PartHealth } from "@adaos/daemon";
import { shortHash } from "@adaos/registry";
import type { FolderJudgement, GateChange, GateFault, ServedRegistry } from "@adaos/registry-tools";

/** The decision about the registry in the folder. */
export type RegistryOutcome =
  | { readonly kind: "in-force" }
  | { readonly kind: "apply"; readonly candidate: ServedRegistry }
  | {
      readonly kind: "waiting";
      readonly candidate: ServedRegistry;
      readonly changes: readonly GateChange[];
    }
  | {
      readonly kind: "refused";
      readonly candidate: ServedRegistry;
      readonly faults: readonly GateFault[];
    }
  | { readonly kind: "broken"; readonly reason: string };

/** The facts to decide by. */
export interface RegistryQuestion {
  readonly found: FolderJudgement["found"];
  readonly inForce: ServedRegistry | undefined;
  readonly autoApply: AutoApply;
  /** Digest of the registry that an operator wants in force. */
  readonly approved: string | undefined;
}

/** Faults that are reported in full. */
const REMEDY = "mend the files there; until then the last good registry is served";
const MAX_FAULTS = 20;
const MAX_REASON = 400;

/**
 * An incompatible registry is never put in force, even with an approval. The first registry of a mesh needs no
 * approval. Pure.
 */
export function decideRegistry({ found, inForce, autoApply, approved }: RegistryQuestion): RegistryOutcome {
  if (found.kind === "broken") return found;
  const { candidate, faults, changes } = found;
  const { digest } = candidate;
  if (digest === inForce?.digest) return { kind: "in-force" };
  if (faults.length > 0) return { kind: "refused", candidate, faults };
  const isWanted = inForce === undefined || autoApply === "compatible" || approved === digest;
  return isWanted ? { kind: "apply", candidate } : { kind: "waiting", candidate, changes };
}

/**
 * The health of the root's registry. Without a registry it is not ready; with one it works, whatever is in the folder.
 * Pure.
 */
export function registryHealth(
  dir: string,
  inForce: ServedRegistry | undefined,
  outcome: RegistryOutcome | undefined,
): PartHealth {
  const details = {
    hash: inForce?.registry.hash ?? null,
    digest: inForce?.digest ?? null,
    ...detailsOf(dir, outcome),
  };
  const here = `registry ${inForce === undefined ? "none" : shortHash(inForce.registry.hash)}`;
  const what = outcome === undefined ? undefined : problemOf(dir, outcome, inForce !== undefined);
  if (inForce === undefined) return { ready: false, reason: what ?? "none is in force yet", details };
  if (what === undefined) return { ready: true, note: here, details };
  if (outcome?.kind === "broken") return { ready: false, reason: what, details };
  return { ready: true, note: `${here}; ${what}`, details };
}

function detailsOf(dir: string, outcome: RegistryOutcome | undefined): object {
  switch (outcome?.kind) {
    case "broken":
      return { errors: [configErrorOf(dir, outcome.reason, REMEDY)] };
    case "refused":
      return { refused: outcome.candidate.digest, faults: outcome.faults.slice(0, MAX_FAULTS) };
    case "waiting":
      return { waiting: outcome.candidate.digest };
    default:
      return {};
  }
}

function problemOf(dir: string, outcome: RegistryOutcome, isOffered: boolean): string | undefined {
  switch (outcome.kind) {
    case "broken":
      return `${dir} is broken${isOffered ? ", the last good version is offered" : ""}: ${outcome.reason}`;
    case "refused": {
      const [first, ...more] = outcome.faults;
      const others = more.length === 0 ? "" : `, and ${more.length} more: adaos registry apply --dry-run`;
      const why = `${first?.at} ${first?.told}`.slice(0, MAX_REASON);
      return `what is saved in ${dir} is refused (${first?.rule}): ${why}${others}`;
    }
    case "waiting":
      return `${counted(outcome.changes.length, "changed event")} to be put in force: adaos registry apply`;
    default:
      return undefined;
  }
}
