import { join } from "node:path";
import { build } from "esbuild";

/** Bundles a source file for a separate process without TypeScript. Resolves with its URL. */
export async function bundled(source: URL, dir: string): Promise<string> {
  const outfile = join(dir, "bundled.mjs");
  const require = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
  await build({
    entryPoints: [source.pathname],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    // As tests read packages: never a stale build.
    conditions: ["source"],
    tsconfigRaw: {},
    banner: { js: require },
    logLevel: "error",
  });
  return outfile;
}
