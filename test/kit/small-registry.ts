import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadRegistry } from "@adaos/registry";
import { makeDist } from "@adaos/registry-tools";

/** A valid registry. The record of each event has 13 lines; they begin at 1, 14 and 27. */
export const RIGHT: Readonly<Record<string, string>> = {
  "registry.yaml": ["lab.sample.weighed event", "lab.sample.weigh command", "lab.sample.weigh.result reply"]
    .map((line) => {
      const [name = "", kind = ""] = line.split(" ");
      const base = `${name.replace(".", "/")}/v1`;
      return `- name: ${name}
  version: 1
  kind: ${kind}
  summary: A summary.
  status: stable
  producers: [lab]
  consumers: ["skill.*"]
  schema: ${base}/schema.json
  examples:
    - ${base}/examples/good.json
  invalid_examples:
    - ${base}/examples/invalid/no-id.json
  required_headers: [correlation_id]
`;
    })
    .join(""),
  ...contract("lab.sample.weighed"),
  ...contract("lab.sample.weigh"),
  ...contract("lab.sample.weigh.result"),
};

/** The files of one event by their paths. */
export function contract(name: string): Record<string, string> {
  const base = `${name.replace(".", "/")}/v1`;
  return {
    [`${base}/schema.json`]: `{
  "$id": "urn:adaos:schema:${name}:v1",
  "x-version": "1.0.0",
  "type": "object",
  "required": ["id"],
  "properties": {
    "id": { "type": "string", "minLength": 1 }
  }
}
`,
    [`${base}/examples/good.json`]: `{ "id": "a" }\n`,
    [`${base}/examples/invalid/no-id.json`]: `{
  "error": { "pointer": "/id", "keyword": "required" },
  "data": {}
}
`,
  };
}

export async function writeFiles(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

/** Writes the valid registry with its generated files. */
export async function writeRight(dir: string): Promise<void> {
  await writeFiles(dir, RIGHT);
  await writeFiles(dir, Object.fromEntries((await makeDist(await loadRegistry(dir))).files));
}

/** Files of the valid registry with one text, which must exist, replaced by another. */
export function edited(path: string, from: string, to: string): Record<string, string> {
  const text = RIGHT[path] ?? "";
  if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
  return { [path]: text.replace(from, to) };
}
