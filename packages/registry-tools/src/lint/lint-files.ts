import { formatEventRef } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import {
  CONTRACT_TEST,
  DIST_FOLDER,
  DIST_INDEX,
  DIST_TYPES,
  entryOf,
  FileRegistry,
  REGISTRY_FILE,
  releasedEvents,
} from "@adaos/registry";
import { generateIndex } from "../generate/generate-index.ts";
import { sourceMark } from "../generate/generate-types.ts";
import { LOCK_FILE, lockFaults, parseLock } from "../release/registry-lock.ts";
import type { Findings } from "./findings.ts";
import { type LintSubject, nearestFile } from "./read-subject.ts";

const GENERATE = "adaos events registry generate";

/** Reports files that no record names. */
export function lintOrphans({ files, named }: LintSubject, findings: Findings): void {
  for (const path of files) {
    if (named.has(path) || path === REGISTRY_FILE || path === LOCK_FILE || path.startsWith(`${DIST_FOLDER}/`))
      continue;
    if (path.endsWith(`/${CONTRACT_TEST}`)) continue;
    findings.addToFile("file-orphan", path, "no record names this file", nearestFile(path, named, files));
  }
}

/** The registry itself, if its records and schemas are valid. */
export function registryOf({ folder, records, documents, validators }: LintSubject): FileRegistry {
  const entries = records.flatMap(({ record }) => {
    const document = documents.get(record.schema);
    return document === undefined ? [] : [entryOf(record, document, validators)];
  });
  return new FileRegistry(folder.dir, entries);
}

/** Whether the generated files match this registry. */
export function lintDist(registry: FileRegistry, { texts }: LintSubject, findings: Findings): void {
  const isFresh: Readonly<Record<string, (text: string) => boolean>> = {
    [DIST_INDEX]: (text) => text === generateIndex(registry),
    [DIST_TYPES]: (text) => text.includes(sourceMark(registry)),
  };
  for (const [path, fresh] of Object.entries(isFresh)) {
    const text = texts.get(path);
    if (text === undefined) findings.addToFile("dist-missing", path, "was not generated yet", GENERATE);
    else if (!fresh(text)) findings.addToFile("dist-stale", path, "is not of this registry", GENERATE);
  }
}

/** Reports changes of released contracts. Without a lock nothing is released. */
export function lintLock(registry: FileRegistry, { records, texts }: LintSubject, findings: Findings): void {
  const text = texts.get(LOCK_FILE);
  if (text === undefined) return;
  let released: ReturnType<typeof parseLock>;
  try {
    released = parseLock(text, LOCK_FILE);
  } catch (thrown) {
    findings.addToFile("lock-unread", LOCK_FILE, messageOf(thrown));
    return;
  }
  const byRef = new Map(records.map((one) => [formatEventRef(one.record.name, one.record.version), one]));
  for (const { event, rule, told } of lockFaults(released, releasedEvents(registry))) {
    const record = byRef.get(event);
    if (record === undefined) findings.addToFile(rule, LOCK_FILE, `${event} ${told}`);
    else findings.add(rule, REGISTRY_FILE, () => record.placeOf(["name"]), `${event} ${told}`);
  }
}
