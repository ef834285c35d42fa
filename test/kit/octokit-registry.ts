import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";

/** A payload of the corpus as an event, and an independent validator's verdict. */
export interface OctokitEvent {
  readonly name: string;
  readonly version: number;
  readonly data: unknown;
  /** Verdict of plain ajv on the corpus's unchanged schema file. */
  readonly accepted: boolean;
}

interface Corpus {
  readonly $schema: string;
  readonly definitions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface ExampleGroup {
  readonly name: string;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

const require = createRequire(import.meta.url);
const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

/**
 * Writes a registry of real events into the folder `dir`: one for each GitHub webhook and action with an example in
 * the corpus. Its schema is that action's definition with the definitions it needs.
 * @returns Every example, in the order of the corpus.
 */
export async function writeOctokitRegistry(dir: string): Promise<{ events: OctokitEvent[] }> {
  const corpus = require("@octokit/webhooks-schemas") as Corpus;
  const groups = require("@octokit/webhooks-examples") as readonly ExampleGroup[];
  const oracle = newOracle(corpus);
  const events: OctokitEvent[] = [];
  const definitionOf = new Map<string, string>();
  for (const { name: webhook, examples } of groups) {
    for (const data of examples) {
      const definition = definitionName(corpus, webhook, data["action"]);
      const name = `github.${webhook}.${data["action"] ?? "received"}`;
      definitionOf.set(name, definition);
      events.push({ name, version: 1, data, accepted: oracle(definition, data) });
    }
  }
  await writeRegistry(dir, corpus, definitionOf);
  return { events };
}

/** An action's definition is `issues$opened`; a webhook without actions only has `push$event`. */
function definitionName(corpus: Corpus, webhook: string, action: unknown): string {
  const candidates = [`${webhook}$${String(action)}`, `${webhook}$event`];
  const found = candidates.find((candidate) => Object.hasOwn(corpus.definitions, candidate));
  if (found === undefined) throw new Error(`the corpus has no definition of ${candidates.join(" or ")}`);
  return found;
}

function newOracle(corpus: Corpus): (definition: string, data: unknown) => boolean {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(corpus, "octokit");
  return (definition, data) => {
    const validate = ajv.getSchema(`octokit#/definitions/${definition}`);
    if (validate === undefined) throw new Error(`ajv finds no definition ${definition}`);
    return validate(data) === true;
  };
}

async function writeRegistry(
  dir: string,
  corpus: Corpus,
  definitionOf: ReadonlyMap<string, string>,
): Promise<void> {
  const records: unknown[] = [];
  for (const [name, definition] of definitionOf) {
    const folder = `github/${name.slice("github.".length)}/v1`;
    const schema = {
      ...corpus.definitions[definition],
      $schema: DRAFT_07,
      $id: `urn:adaos:schema:${name}:v1`,
      "x-version": "1.0.0",
      definitions: closureOf(corpus, definition),
    };
    await mkdir(join(dir, folder), { recursive: true });
    await writeFile(join(dir, folder, "schema.json"), JSON.stringify(schema, judgesOnly));
    records.push({
      name,
      version: 1,
      kind: "event",
      summary: `GitHub webhook ${definition}`,
      status: "stable",
      schema: `${folder}/schema.json`,
      naming_exception: "as GitHub calls it",
    });
  }
  // JSON is YAML.
  await writeFile(join(dir, "registry.yaml"), JSON.stringify(records, undefined, 2));
}

/** Omits a hint for TypeScript types, which lint would report as a misspelt keyword. */
function judgesOnly(key: string, value: unknown): unknown {
  return key === "tsAdditionalProperties" ? undefined : value;
}

/** The definitions that a definition refers to, directly or not. */
function closureOf(corpus: Corpus, definition: string): Record<string, unknown> {
  const needed = new Map<string, unknown>();
  const open: unknown[] = [corpus.definitions[definition]];
  for (let schema = open.pop(); schema !== undefined; schema = open.pop()) {
    for (const [, target = ""] of JSON.stringify(schema).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) {
      if (needed.has(target)) continue;
      needed.set(target, corpus.definitions[target]);
      open.push(corpus.definitions[target]);
    }
  }
  return Object.fromEntries(needed);
}
