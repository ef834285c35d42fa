// Bundles the programs of users: the command line and its daemons, from the sources into packages/cli/bundle. One
// file loads in a fraction of the time of hundreds; rarely used code stays in separate chunks.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { builtPage } from "./page.mjs";

const HOME = fileURLToPath(new URL("..", import.meta.url));
const CLI = join(HOME, "packages/cli");
const OUTPUT = join(CLI, "bundle");

/** Large and rarely used; they stay packages. */
const EXTERNAL = [
  "@opentelemetry/otlp-exporter-base",
  "@opentelemetry/otlp-transformer",
  "@opentelemetry/sdk-node",
  "json-schema-to-typescript",
];

/** CommonJS packages call `require` for Node's modules, which an ES module does not have. */
const REQUIRE =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** zod includes its messages in fifty languages, half a megabyte that every start would read. */
const englishOnly = {
  name: "english-only",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** The command line loads a daemon as the script that it is here. */
const daemonsApart = {
  name: "daemons-apart",
  setup({ onResolve }) {
    onResolve({ filter: /\/run-daemon\.ts$/ }, () => ({ path: join(CLI, "src/daemons/load-daemon.ts") }));
  },
};

/** vitest calls it before the first test. */
export { bundle as setup };

const COMMON = {
  absWorkingDir: HOME,
  outdir: OUTPUT,
  write: false,
  metafile: true,
  bundle: true,
  platform: "node",
  target: "node20.19",
  // Tests and bundle read the same sources; neither meets a stale build.
  conditions: ["source"],
  tsconfigRaw: {},
  external: EXTERNAL,
  // Not minified: a stack trace should tell its reader something, and smaller files start no sooner.
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
};

const ALIAS = {
  tweetnacl: join(HOME, "scripts/bundle/ed25519.mjs"),
  // As a CommonJS module it loses its names when it is imported on demand.
  "@peculiar/x509": join(HOME, "node_modules/@peculiar/x509/build/x509.es.js"),
};

/** As long as what takes its place. */
const BUILD_PLACE = "0b011d0b011d0b011d0b011d";

/** The command line: files that load each other on demand. */
const buildCommandLine = () =>
  build({
    ...COMMON,
    entryPoints: {
      main: join(CLI, "src/main.ts"),
      "registry-judge-worker": join(HOME, "packages/root/src/registry/registry-judge-worker.ts"),
    },
    splitting: true,
    format: "esm",
    alias: ALIAS,
    plugins: [englishOnly, daemonsApart],
    define: { ADAOS_BUILD: `"${BUILD_PLACE}"` },
    banner: { js: REQUIRE },
  });

/** The program of a skill's process: one small file, for each skill runs it. */
const buildSkillHost = () =>
  build({
    ...COMMON,
    entryPoints: { "skill-host": join(HOME, "packages/skills/src/skill/host/skill-host.ts") },
    format: "esm",
  });

/** Each daemon is one script: V8 keeps the compiled code of scripts alone, and not that of ES modules. */
const buildDaemons = () =>
  build({
    ...COMMON,
    entryPoints: ["root", "hub", "member"].map((role) => join(CLI, `src/daemons/${role}.ts`)),
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    // Code that V8 has kept has lost the way back to Node's loader, so that import() fails there; require() does not.
    supported: { "dynamic-import": false },
    alias: ALIAS,
    plugins: [englishOnly],
    define: { ADAOS_BUILD: `"${BUILD_PLACE}"`, "import.meta.url": "__url" },
    banner: {
      js: `/* build ${BUILD_PLACE} */ const __url = require("node:url").pathToFileURL(__filename).href;`,
    },
  });

/** Brings the bundle up to date. A file that is the same stays untouched: a mesh may be running from it. */
async function bundle() {
  const [page, ...built] = await Promise.all([
    builtPage(),
    buildCommandLine(),
    buildSkillHost(),
    buildDaemons(),
  ]);
  const outputs = built.flatMap(({ outputFiles }) => outputFiles);
  const digest = createHash("sha256");
  for (const { contents } of outputs) digest.update(contents);
  const id = digest.digest("hex").slice(0, BUILD_PLACE.length);
  const files = new Map(
    outputs.map(({ path, text }) => [basename(path), Buffer.from(text.replaceAll(BUILD_PLACE, id))]),
  );
  const inputs = [...built.flatMap(({ metafile }) => Object.keys(metafile.inputs)), ...page.inputs];
  files.set("THIRD-PARTY.txt", Buffer.from(await licences(inputs)));
  for (const [name, contents] of page.files) files.set(`page/${name}`, contents);
  for (const [name, contents] of files) await writeIfChanged(join(OUTPUT, name), contents);
  for (const entry of await readdir(OUTPUT, { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(file.slice(OUTPUT.length + 1))) await rm(file);
  }
}

async function writeIfChanged(file, contents) {
  const old = await readFile(file).catch(() => undefined);
  if (old?.equals(contents)) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, contents);
  await rename(`${file}.${process.pid}`, file);
}

/** The licences of the bundled packages require their texts in every copy. */
async function licences(inputs) {
  const folders = new Set(
    inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  );
  const texts = [...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(HOME, folder, "package.json"), "utf8"));
    const file = (await readdir(join(HOME, folder))).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? "" : await readFile(join(HOME, folder, file), "utf8");
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
