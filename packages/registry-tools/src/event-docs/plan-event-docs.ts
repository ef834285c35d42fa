import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { escapeUnseen, visibleText } from "@adaos/core/wire";
import { Document, visit } from "yaml";
import { asyncApi } from "./asyncapi.ts";
import type { EventDocs } from "./event-doc.ts";
import { openApi } from "./openapi.ts";
import type { SiteAssets } from "./pages/html-frame.ts";
import { htmlIndex, htmlPage } from "./pages/html-pages.ts";
import { markdownIndex, markdownPage, type PagePlaces } from "./pages/markdown-pages.ts";
import { MARK } from "./pages/page-facts.ts";

/** Limit of all files together; a larger registry is broken. */
const MAX_CHARS = 256 * 1024 * 1024;

/** The folders that contain only our generated files, and files that are left alone. */
export function docFolders({ output, site }: PagePlaces): string[] {
  return [output, join(output, "commands"), site];
}

/**
 * Every file of the documents by its path. The same registry and policy make the same text. Pure. Throws `too-large`.
 */
export function planEventDocs(
  docs: EventDocs,
  places: PagePlaces,
  assets: SiteAssets,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  let chars = 0;
  const add = (folder: string, name: string, text: string): void => {
    chars += text.length;
    if (chars > MAX_CHARS) {
      throw new MeshError("too-large", `the documents of ${docs.registryDir} exceed ${MAX_CHARS} characters`);
    }
    files.set(join(folder, name), text);
  };
  const { output, site } = places;
  add(output, "README.md", markdownIndex(docs, places));
  add(site, "index.html", htmlIndex(docs, assets));
  for (const doc of docs.events) {
    add(output, `${doc.key}.md`, markdownPage(docs, doc, places));
    add(site, `${doc.key}.html`, htmlPage(docs, doc, assets));
  }
  add(output, "asyncapi.yaml", yaml(asyncApi(docs)));
  add(join(output, "commands"), "openapi.yaml", openApiText(docs));
  return files;
}

/** The commands and their replies as OpenAPI 3.1. Pure. */
export function openApiText(docs: EventDocs): string {
  return yaml(openApi(docs));
}

/** Safe for readers of older YAML, too: `on` is quoted as text. */
function yaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
  visit(document, {
    Scalar: (_key, scalar) => {
      const { value: text } = scalar;
      if (typeof text === "string" && visibleText(text) !== text) scalar.type = "QUOTE_DOUBLE";
    },
  });
  // Every unseen character is now between quotes, where it can be escaped.
  return `# ${MARK}\n${escapeUnseen(document.toString({ lineWidth: 0 }), yamlEscape)}`;
}

function yamlEscape(char: string): string {
  return `\\U${(char.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`;
}
