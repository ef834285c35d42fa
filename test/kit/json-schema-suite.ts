import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";

/** A schema of the suite with data that it must accept or refuse. */
export interface SuiteGroup {
  /** Path below the dialect's folder. */
  readonly file: string;
  readonly description: string;
  readonly schema: unknown;
  readonly tests: readonly {
    readonly description: string;
    readonly data: unknown;
    readonly valid: boolean;
  }[];
}

export interface JsonSchemaSuite {
  /** Version of the package. */
  readonly version: string;
  readonly groups: readonly SuiteGroup[];
  /** Schemas that the cases refer to, by URI. */
  readonly remotes: ReadonlyMap<string, Record<string, unknown>>;
}

/** The official suite has no npm package, and Debian's own package has older drafts only. This one has all. */
const PACKAGE = "libtest-json-schema-acceptance-perl";
const DIALECT = "draft2020-12";
const OTHER_DIALECTS = /draft(3|4|6|7|2019-09|-next)|Draft4|Pre2019/;
const run = promisify(execFile);

/**
 * The official JSON Schema test suite for draft 2020-12, from Debian's archive by the machine's apt and its
 * signatures; nothing is installed. Throws where apt or the archive is missing.
 */
export async function fetchJsonSchemaSuite(): Promise<JsonSchemaSuite> {
  const dir = mkdtempSync(join(tmpdir(), "adaos-json-schema-"));
  try {
    const limits = { cwd: dir, timeout: 60_000 };
    // As root, apt downloads as a user that may not enter this folder.
    await run("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", PACKAGE], limits);
    const archive = readdirSync(dir).find((name) => name.endsWith(".deb")) ?? "";
    await run("dpkg-deb", ["-x", archive, "package"], limits);
    const base = join(dir, "package/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance");
    return {
      version: archive.split("_")[1] ?? "",
      groups: readGroups(join(base, "tests", DIALECT)),
      remotes: readRemotes(join(base, "remotes")),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function readGroups(dir: string): SuiteGroup[] {
  return filesIn(dir).flatMap((path) =>
    (JSON.parse(readFileSync(path, "utf8")) as SuiteGroup[]).map((group) => ({
      ...group,
      file: relative(dir, path),
    })),
  );
}

function readRemotes(dir: string): ReadonlyMap<string, Record<string, unknown>> {
  const found = new Map<string, Record<string, unknown>>();
  for (const path of filesIn(dir)) {
    const place = relative(dir, path);
    if (OTHER_DIALECTS.test(place)) continue;
    const schema = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    found.set(`http://localhost:1234/${place}`, schema);
  }
  return found;
}

function filesIn(dir: string): string[] {
  return readdirSync(dir)
    .sort()
    .flatMap((name) => {
      const path = join(dir, name);
      if (statSync(path).isDirectory()) return filesIn(path);
      return name.endsWith(".json") ? [path] : [];
    });
}
