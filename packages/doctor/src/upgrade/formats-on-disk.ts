import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { layoutFile, marksDir, outboxDir, positionsPath, readNodeFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { assertSuffixes, FORMATS, type Format, inFormat } from "@adaos/core/wire";
import { type Layout, processesFile } from "@adaos/provision";

/** A file that this program cannot read, or would migrate. */
export interface FormatProblem {
  readonly place: string;
  readonly message: string;
}

/**
 * Compares the formats of the files in a state folder with those that this program reads. It changes nothing, and never
 * rejects for a file that it cannot read.
 */
export function formatsOnDisk(layout: Layout, stateDir: string): readonly FormatProblem[] {
  const ids = layout.nodes.map(({ id }) => id);
  const files: (readonly [Format, string])[] = [
    [FORMATS.layout, layoutFile(stateDir)],
    [FORMATS.processTable, processesFile(stateDir)],
    [FORMATS.applied, join(stateDir, "applied.json")],
    [FORMATS.joined, join(stateDir, "keys", "joined.json")],
    ...["invitation", "machine"].flatMap((kind) => {
      const format = kind === "machine" ? FORMATS.machine : FORMATS.invitation;
      return filesIn(join(stateDir, `${kind}s`)).map((file) => [format, file] as const);
    }),
    ...filesIn(join(stateDir, "viewer", "jobs")).map((file) => [FORMATS.viewerJob, file] as const),
    ...filesIn(join(stateDir, "viewer", "tokens")).map((file) => [FORMATS.viewerToken, file] as const),
  ];
  return [
    ...files.flatMap(([format, file]) => problemOf(file, () => inFormat(format, contentOf(file), file))),
    ...ids.flatMap((id) => {
      const file = positionsPath(stateDir, id);
      return problemOf(file, () => {
        const { version = 1 } = contentOf(file) as { readonly version?: unknown };
        inFormat(FORMATS.positions, { format: version }, file);
      });
    }),
    ...layout.nodes.flatMap(({ nodeFile, role }) => problemOf(nodeFile, () => readNodeFile(nodeFile, role))),
    ...ids.flatMap((id) => [
      ...folderProblem(FORMATS.outbox, outboxDir(stateDir, id), ".outbox"),
      ...folderProblem(FORMATS.marks, marksDir(stateDir, id), ".marks"),
    ]),
  ];
}

function folderProblem(format: Format, dir: string, suffix: string): readonly FormatProblem[] {
  return problemOf(dir, () => assertSuffixes(format, readdirSync(dir), suffix, dir));
}

/** A file that is not there, as many are, is no problem. */
function problemOf(place: string, read: () => unknown): readonly FormatProblem[] {
  if (!existsSync(place)) return [];
  try {
    read();
    return [];
  } catch (thrown) {
    return [{ place, message: MeshError.from(thrown, "invalid-config", `${place} cannot be read`).message }];
  }
}

function contentOf(file: string): object {
  const content: unknown = JSON.parse(readFileSync(file, "utf8"));
  return typeof content === "object" && content !== null ? content : {};
}

function filesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [];
}
