// Bundles the programs of users: the command line and its daemons, from the sources into packages/cli/bundle. One
// file loads in a fraction of the time of hundreds; rarely used code stays in separate chunks.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

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

/** vitest calls it before the first test. */
export { bundle as setup };

/** Updates the bundle. Unchanged files stay untouched: a mesh may be running from them. */
async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: HOME,
    entryPoints: {
      main: join(CLI, "src/main.ts"),
      root: join(HOME, "packages/root/src/index.ts"),
      hub: join(HOME, "packages/hub/src/index.ts"),
      member: join(HOME, "packages/member/src/index.ts"),
      "registry-judge-worker": join(HOME, "packages/root/src/registry/registry-judge-worker.ts"),
    },
    outdir: OUTPUT,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    // Tests and bundle read the same sources, so neither uses a stale build.
    conditions: ["source"],
    tsconfigRaw: {},
    external: EXTERNAL,
    alias: {
      tweetnacl: join(HOME, "scripts/bundle/ed25519.mjs"),
      // As a CommonJS module it loses its names when it is imported on demand.
      "@peculiar/x509": join(HOME, "node_modules/@peculiar/x509/build/x509.es.js"),
    },
    plugins: [englishOnly],
    // Not minified: a stack trace should be readable, and smaller files do not start faster.
    sourcemap: true,
    sourcesContent: false,
    legalComments: "none",
    banner: { js: REQUIRE },
    logLevel: "warning",
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  files.set("THIRD-PARTY.txt", Buffer.from(await licences(Object.keys(metafile.inputs))));
  await mkdir(OUTPUT, { recursive: true });
  for (const [name, contents] of files) await writeIfChanged(join(OUTPUT, name), contents);
  for (const name of await readdir(OUTPUT)) if (!files.has(name)) await rm(join(OUTPUT, name));
}

async function writeIfChanged(file, contents) {
  const old = await readFile(file).catch(() => undefined);
  if (old?.equals(contents)) return;
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
