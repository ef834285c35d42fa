// `node scripts/pack-fixture.mjs [CHECKOUT]`: packs the program of a checkout, by default this one, into
// test/fixtures/release-before. Run it when a release is made: the tests run the next version together with this one.
import { execFileSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { transform } from "esbuild";

const HOME = fileURLToPath(new URL("..", import.meta.url));
const OUTPUT = join(HOME, "test/fixtures/release-before/program.json.br");
/** A fixture stays in the history for ever. */
const MAX_BYTES = 1_500_000;

const cli = join(resolve(process.argv[2] ?? HOME), "packages/cli");
execFileSync(process.execPath, [join(cli, "../../scripts/bundle.mjs")], { stdio: "inherit" });

/** Texts by their path in the package. The viewer's page and the source maps are left out. */
const files = {};
for (const name of ["package.json", "bin/adaos.mjs", "bundle/THIRD-PARTY.txt"]) {
  files[name] = await readFile(join(cli, name), "utf8");
}
for (const name of (await readdir(join(cli, "bundle"))).sort()) {
  if (!/\.c?js$/.test(name)) continue;
  const text = await readFile(join(cli, "bundle", name), "utf8");
  // Names stay as they are: a test that fails here shows a stack.
  const options = { minifyWhitespace: true, legalComments: "none", target: "node20.19" };
  files[`bundle/${name}`] = (await transform(text, options)).code;
}
const bytes = Buffer.from(JSON.stringify(files));
const packed = brotliCompressSync(bytes, {
  params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
});
if (packed.length > MAX_BYTES) {
  console.error(
    `${packed.length} bytes are more than the ${MAX_BYTES} that a fixture may have; nothing is written`,
  );
  process.exit(1);
}
await writeFile(OUTPUT, packed);
console.error(`${OUTPUT}: ${packed.length} bytes of ${bytes.length}`);
