import { statSync } from "node:fs";
import { type ConfigError, configErrorOf, readMeshFile } from "@adaos/config";

const REMEDY = "mend it, then run adaos policy apply; until then the last good version is in force";

/** Checks whether the mesh file can still be read. It does not apply the file: a person does that. */
export class MeshFileWatch {
  readonly #file: string;
  #seen: string | undefined;
  error: ConfigError | undefined;

  /** @param thrown Why the file could not be used when the mesh was started. */
  constructor(file: string, thrown?: unknown) {
    this.#file = file;
    if (thrown === undefined) return;
    this.error = configErrorOf(file, thrown, REMEDY);
    this.#seen = stampOf(file);
  }

  look(): void {
    const stamp = stampOf(this.#file);
    if (stamp === this.#seen) return;
    this.#seen = stamp;
    try {
      readMeshFile(this.#file);
      this.error = undefined;
    } catch (thrown) {
      this.error = configErrorOf(this.#file, thrown, REMEDY);
    }
  }
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? "gone";
  }
}
