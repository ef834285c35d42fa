import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { HOME } from "./mesh.ts";

const FIXTURE = join(HOME, "test/fixtures/release-before/program.json.br");
/** Each is one script of the program, which a supervisor starts anew. */
export type Daemon = "root" | "hub" | "member";

/** A folder with a program whose daemons can be exchanged for those of another version, one by one. */
export class ExchangedProgram {
  readonly #dir: string;
  readonly #before: Readonly<Record<string, string>>;

  constructor(dir: string) {
    this.#dir = dir;
    this.#before = JSON.parse(brotliDecompressSync(readFileSync(FIXTURE)).toString()) as Record<
      string,
      string
    >;
    this.goBack();
  }

  /** Everything is of the release before. */
  goBack(): void {
    for (const [name, text] of Object.entries(this.#before)) this.#write(name, text);
  }

  /** The script to run with Node: the command line of the release before, until {@link renew}. */
  get cli(): string {
    return join(this.#dir, "bin/adaos.mjs");
  }

  /** From now on the command line is today's, and what it starts is today's too. */
  renew(): void {
    const today = join(HOME, "packages/cli");
    const filter = (path: string): boolean => !path.endsWith(".map");
    for (const name of ["bin", "bundle"])
      cpSync(join(today, name), join(this.#dir, name), { recursive: true, filter });
  }

  /** The next process of this daemon is of that version. */
  exchange(daemon: Daemon, version: "before" | "today"): void {
    const name = `bundle/${daemon}.cjs`;
    const today = (): string => readFileSync(join(HOME, "packages/cli", name), "utf8");
    this.#write(name, version === "today" ? today() : (this.#before[name] ?? ""));
  }

  #write(name: string, text: string): void {
    const file = join(this.#dir, name);
    mkdirSync(dirname(file), { recursive: true });
    // A process may be reading the file that is there.
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
}
