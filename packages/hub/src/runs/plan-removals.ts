import { STATE_WORD } from "@adaos/core/wire";

/** A document of the stream of runs. */
export interface KeptDocument {
  readonly subject: string;
  readonly node: string;
  readonly scenario: string;
  readonly word: string;
  readonly seq: number;
  readonly storedMs: number;
  /** Of a scenario's own document. */
  readonly text?: string;
}

/** A younger one may belong to a run whose scenario is stored a moment later. */
const MIN_AGE_MS = 60_000;

/** The documents that nobody needs: of members that are gone, and of runs that their scenario does not name. Pure. */
export function planRemovals(
  documents: readonly KeptDocument[],
  isGone: (node: string) => boolean,
  nowMs: number,
): readonly KeptDocument[] {
  const named = new Map(
    documents.flatMap((document) =>
      document.word === STATE_WORD ? [[scenarioOf(document), runsNamedBy(document.text ?? "")] as const] : [],
    ),
  );
  return documents.filter((document) => {
    if (isGone(document.node)) return true;
    if (document.word === STATE_WORD || nowMs - document.storedMs < MIN_AGE_MS) return false;
    const runs = named.get(scenarioOf(document));
    // Nothing goes that cannot be judged.
    return runs !== undefined && runs !== "unknown" && !runs.has(document.word);
  });
}

function scenarioOf({ node, scenario }: KeptDocument): string {
  return `${node}/${scenario}`;
}

function runsNamedBy(text: string): ReadonlySet<string> | "unknown" {
  try {
    const { v, triggers, unrecorded } = JSON.parse(text) as {
      readonly v: number;
      readonly triggers: { readonly active: readonly { readonly runId: string }[] };
      readonly unrecorded: readonly string[];
    };
    if (v !== 1) return "unknown";
    return new Set([...triggers.active.map(({ runId }) => runId), ...unrecorded]);
  } catch {
    // A damaged document: its member says so.
    return "unknown";
  }
}
