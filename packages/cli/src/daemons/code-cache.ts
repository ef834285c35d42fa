import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { cachedDataVersionTag } from "node:v8";
import { constants, Script } from "node:vm";
import { crc32 } from "node:zlib";
import { assertOwnFolder, writeWhole } from "@adaos/config";

/** A daemon is ready by then, and has compiled what it needs for that. */
const KEEP_AFTER_MS = 3000;
/** Several start at once, and one of them is enough. */
const KEEP_WITHIN_MS = 3000;
/** The maximum of files, of builds and versions of Node in turn; a file has 2 MB. */
const MAX_FILES = 24;
const WRAPPER = [
  Buffer.from("(function (exports, require, module, __filename, __dirname) { "),
  Buffer.from("\n})"),
] as const;

/**
 * Loads a CommonJS script of this program, and gives what it exports. V8 takes the code that an earlier run has
 * compiled; without it, this run keeps its own for the next one. The script's first line names its build.
 */
export function loadCompiled(file: string, keptDir: string): unknown {
  const require = createRequire(file);
  // Node maps only the stacks of scripts that it has loaded itself.
  if (process.sourceMapsEnabled) return require(file);
  // The bundler writes ASCII only. Of bytes V8 makes a string outside its heap; of strings it would make a second copy.
  const source = Buffer.concat([WRAPPER[0], readFileSync(file), WRAPPER[1]]).toString("latin1");
  // Compiled code holds the path of its script, which stacks show.
  const place = crc32(file).toString(16);
  const name = `${basename(file)}-${place}-${buildOf(source)}-${cachedDataVersionTag()}.v8`;
  const keptFile = join(keptDir, name);
  const cachedData = readCode(keptFile);
  const script = new Script(source, {
    filename: file,
    columnOffset: -WRAPPER[0].length,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (script.cachedDataRejected === true) rmSync(keptFile, { force: true });
  if (cachedData === undefined || script.cachedDataRejected === true) keepLater(script, keptFile);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  return module.exports;
}

function buildOf(source: string): string {
  return /^.*\bbuild ([0-9a-f]+)/.exec(source)?.[1] ?? String(crc32(source));
}

/** V8 believes what it is given: others may not write there, and damaged code is none. */
function readCode(file: string): Buffer | undefined {
  try {
    assertOwnFolder(dirname(file), "the cache");
    const bytes = readFileSync(file);
    const code = bytes.subarray(4);
    if (bytes.length > 4 && crc32(code) === bytes.readUInt32BE()) return code;
    rmSync(file);
    return undefined;
  } catch {
    // It only spares work.
    return undefined;
  }
}

function keepLater(script: Script, file: string): void {
  const afterMs = KEEP_AFTER_MS + Math.random() * KEEP_WITHIN_MS;
  setTimeout(() => {
    try {
      if (!existsSync(file)) keep(script.createCachedData(), file);
    } catch {
      // Such as a full disk, or a folder that is not ours to write: the next run compiles once more.
    }
  }, afterMs).unref();
}

function keep(code: Buffer, file: string): void {
  const dir = dirname(file);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  assertOwnFolder(dir, "the cache");
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(code));
  writeWhole(file, Buffer.concat([sum, code]));
  const files = readdirSync(dir).map((name) => join(dir, name));
  const byAge = files.map((path) => ({ path, mtimeMs: statSync(path).mtimeMs }));
  byAge.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { path } of byAge.slice(MAX_FILES)) rmSync(path, { force: true });
}
