// The page of the viewer, built from packages/viewer/src/page.
import { fileURLToPath } from "node:url";
import { build } from "vite";

const PAGE = fileURLToPath(new URL("../packages/viewer/src/page", import.meta.url));

/** Resolves with the built files, by their path below the page. Writes nothing. */
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
  return new Map(output.map((file) => [file.fileName, Buffer.from(file.code ?? file.source)]));
}
