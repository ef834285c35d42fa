import { basename } from "node:path";
import { MeshError } from "@adaos/core";
import type { SkillDefinition } from "../file/read-skill.ts";
import { HOST_FILE } from "../host/host-file.ts";

/** The command line of a skill's process. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where it speaks the protocol: over standard input and output, or over descriptor 3. */
  readonly protocolOn: "standard" | "descriptor";
}

/** The program that starts it. */
export interface Runtime {
  readonly execPath: string;
  /** Version of Node: `20.20.2`. */
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default the host program beside this package */
  readonly hostFile?: string | undefined;
}

/** Needed to find programs and to write text; the rest of the daemon's environment is not a skill's. */
const PASSED_ENV = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/** What Node takes beside the heap of JavaScript: code, stacks, buffers (Node 20: 43 MB resident when idle). */
const BESIDE_HEAP_MB = 40;
const MIN_HEAP_MB = 24;

/** Plans the process of a skill. Throws `invalid-config` where this Node cannot run it. Pure. */
export function planLaunch(skill: SkillDefinition, folder: string, runtime: Runtime): Launch {
  const { program, memoryMb } = skill;
  const env = environmentOf(skill, runtime.env);
  if (program.kind === "command") {
    const [file = "", ...args] = program.command;
    return { file, args, cwd: folder, env: { ...env, PYTHONUNBUFFERED: "1" }, protocolOn: "standard" };
  }
  const heapMb = Math.max(memoryMb - BESIDE_HEAP_MB, MIN_HEAP_MB);
  return {
    file: runtime.execPath,
    args: [
      `--max-old-space-size=${heapMb}`,
      // Young objects of an idle skill need no more; each of Node's two default spaces has 16 MB.
      "--max-semi-space-size=2",
      "--no-warnings=ExperimentalWarning",
      ...typeScriptFlags(program.file, runtime.version),
      runtime.hostFile ?? HOST_FILE,
      program.file,
    ],
    cwd: folder,
    env,
    protocolOn: "descriptor",
  };
}

function environmentOf({ env, name }: SkillDefinition, all: Runtime["env"]): Record<string, string> {
  const passed = [...PASSED_ENV, ...env].flatMap((key) => {
    const value = all[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...Object.fromEntries(passed), ADAOS_SKILL: name };
}

/** Node strips types from 22.18 and 23.6 on, and from 22.6 on with a flag. */
function typeScriptFlags(file: string, version: string): string[] {
  if (!/\.[mc]?ts$/.test(file)) return [];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18)) return [];
  if (major === 23 || (major === 22 && minor >= 6)) return ["--experimental-strip-types"];
  throw new MeshError(
    "invalid-config",
    `${basename(file)} is TypeScript, and Node ${version} cannot run it; build it to JavaScript and name that file in entry, or use Node 22.18 or newer`,
  );
}

/** This process as the one that starts skills. */
export function nodeRuntime(): Runtime {
  return { execPath: process.execPath, version: process.versions.node, env: process.env };
}
