import type { RecordKind } from "../transport.ts";
import type { NodeAddress } from "./subject.ts";

/** Names of the streams that keep scenarios, and of their subjects. */

/** The hub stream of scenarios' states: what they wait for, and each run that has not ended. */
export function runsStream(subnet: string): string {
  return `RUNS_${subnet}`;
}

/** The hub stream of records of runs that ended well, and of what did not run. */
export function runRecordsStream(subnet: string): string {
  return `RUN_RECORDS_${subnet}`;
}

/** The hub stream of records of runs that failed. Many dull records push none of them out. */
export function failedRunsStream(subnet: string): string {
  return `FAILED_RUNS_${subnet}`;
}

/** First token of every document's subject; subnet, node, scenario and a word follow. */
export const RUN_ROOT = "run";
/** First token of every record's subject; subnet, node, scenario and a {@link RecordKind} follow. */
export const RAN_ROOT = "ran";
/** First token of the subject by which an operator tells a member that documents have changed. */
const RUN_CHANGED_ROOT = "runchanged";

/** Most documents that are written together. */
export const MAX_DOCUMENT_WRITES = 200;
/** Records of one scenario and kind. */
export const MAX_RECORDS = 100;
/** Largest document or record. A scenario's engine keeps far below. */
export const MAX_DOCUMENT_BYTES = 1_048_576;

/** The word of the document that has a scenario's triggers; a run's own id is the word of its document. */
export const STATE_WORD = "state";

/** `run.<subnet>.<node>.<scenario>.<word>`; node, scenario and word may be wildcards in a filter. */
export function documentSubject({ subnet, node }: NodeAddress, key: string): string {
  return `${RUN_ROOT}.${subnet}.${node}.${key}`;
}

/** `ran.<subnet>.<node>.<scenario>.<kind>`; subnet, node and scenario may be `*` in a filter. */
export function runRecordSubject(
  { subnet, node }: NodeAddress,
  scenario: string,
  kind: RecordKind | "*",
): string {
  return `${RAN_ROOT}.${subnet}.${node}.${scenario}.${kind}`;
}

/** Node, scenario and last token of a document's or a record's subject; undefined for another subject. Pure. */
export function parseRunSubject(
  subject: string,
): { readonly node: string; readonly scenario: string; readonly word: string } | undefined {
  const [root, , node, scenario, word, ...rest] = subject.split(".");
  if ((root !== RUN_ROOT && root !== RAN_ROOT) || rest.length > 0) return undefined;
  return node === undefined || scenario === undefined || word === undefined
    ? undefined
    : { node, scenario, word };
}

/** `runchanged.<subnet>.<node>.<scenario>`; node and scenario may be `*` in a filter. */
export function runChangedSubject({ subnet, node }: NodeAddress, scenario: string): string {
  return `${RUN_CHANGED_ROOT}.${subnet}.${node}.${scenario}`;
}
