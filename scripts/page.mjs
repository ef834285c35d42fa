// The page of the viewer, built from packages/viewer/src/page.
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const HOME = fileURLToPath(new URL("..", import.meta.url));
const PAGE = join(HOME, "packages/viewer/src/page");

/** Resolves with the built files, by their path below the page, and the sources within them. Writes nothing. */
export async function builtPage() {
  const { output } = await build({
    configFile: false,
    root: PAGE,
    logLevel: "warn",
    build: {
      write: false,
      target: "es2022",
      modulePreload: { polyfill: false },
      // A picture within the code would need another rule of the content policy.
      assetsInlineLimit: 0,
    },
  });
  return {
    files: new Map(output.map((file) => [file.fileName, Buffer.from(file.code ?? file.source)])),
    inputs: output.flatMap((file) => Object.keys(file.modules ?? {}).map((source) => relative(HOME, source))),
  };
}
