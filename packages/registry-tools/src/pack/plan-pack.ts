import { basename } from "node:path";
import {
  compareRecords,
  DIST_TYPES,
  loadFolder,
  openFolder,
  parseRecords,
  REGISTRY_FILE,
} from "@adaos/registry";
import { makeDist } from "../generate/dist.ts";
import { type DomainPart, domainParts, MAX_SECTION_TOKENS } from "./domain-parts.ts";
import { eventSection } from "./event-section.ts";
import { jsonText } from "./inert-text.ts";
import { LLM_HINTS } from "./llm-hints.ts";
import { llmsTxt } from "./llms-txt.ts";
import { type ReadContract, readContract } from "./read-contract.ts";
import { partnersOf, snippetOf } from "./snippet.ts";

/** A contract pack that is not written yet. */
export interface PackPlan {
  /** By their paths below the pack's folder. Same registry, same texts. */
  readonly files: ReadonlyMap<string, string>;
  readonly parts: readonly DomainPart[];
  readonly events: number;
  /** The reason for missing types. */
  readonly typesProblem: string | undefined;
}

/** A contract and its path in the pack. */
interface Packed {
  readonly contract: ReadContract;
  readonly snippet: string;
  readonly paths: {
    readonly schema: string;
    readonly snippet: string;
    readonly examples: readonly string[];
    readonly invalidExamples: readonly string[];
  };
}

const OPEN_API = "commands/openapi.yaml";

const TSCONFIG = {
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    moduleResolution: "nodenext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ["events.d.ts", "snippets"],
};

const MESH_FILE = `# A mesh within one process, to try these events on: connect({ as: "here/me", mesh: "mesh.yaml" })
mesh: pack
transport: local
registry: .
subnets:
  here:
    members:
      me: { publish: ["*"], subscribe: ["*"] }
`;

/**
 * Builds the contract pack of a registry, and writes nothing.
 * @param openApi Text of the document of its commands, if it is included.
 * @throws MeshError `invalid-config` for an invalid registry.
 */
export async function planPack(dir: string, openApi?: string): Promise<PackPlan> {
  const folder = await openFolder(dir);
  const registry = await loadFolder(folder);
  const contracts: ReadContract[] = [];
  for (const record of registry.records.toSorted(compareRecords))
    contracts.push(await readContract(registry, folder, record));
  const partners = partnersOf(contracts);
  const packed = contracts.map((contract) => ({
    contract,
    snippet: snippetOf(contract, partners.get(contract.ref)),
    paths: pathsOf(contract),
  }));
  const parts = domainParts(packed.map((one) => ({ ref: one.contract.ref, text: sectionOf(one) })));
  const { files: dist, typesProblem } = await makeDist(registry);
  const types = dist.get(DIST_TYPES);
  const files = new Map([
    ["llms.txt", llmsTxt(parts, contracts.length, openApi === undefined ? undefined : OPEN_API)],
    ...(openApi === undefined ? [] : [[OPEN_API, openApi] as const]),
    ["prompts/llm_hints.md", LLM_HINTS],
    ["registry.json", indexText(packed, parts)],
    [REGISTRY_FILE, recordsText(packed)],
    ["mesh.yaml", MESH_FILE],
    ["tsconfig.json", `${JSON.stringify(TSCONFIG, undefined, 2)}\n`],
    ["package.json", `${JSON.stringify({ private: true, type: "module" }, undefined, 2)}\n`],
    ...(types === undefined ? [] : [["events.d.ts", types] as const]),
    ...parts.map(({ path, text }) => [path, text] as const),
    ...packed.flatMap(filesOf),
  ]);
  return { files, parts, events: contracts.length, typesProblem };
}

function sectionOf({ contract, snippet, paths }: Packed): string {
  const folder = folderOf(contract);
  const places = {
    schema: paths.schema,
    snippet: paths.snippet,
    examples: `tests/fixtures/valid/${folder}`,
    invalidExamples: `tests/fixtures/invalid/${folder}`,
  };
  return eventSection(contract, snippet, places, MAX_SECTION_TOKENS);
}

/** No token of a name is a version, so no two events share a folder. */
function folderOf({ record: { name, version } }: ReadContract): string {
  return `${name}.v${version}`;
}

function pathsOf(contract: ReadContract): Packed["paths"] {
  const folder = folderOf(contract);
  const below = (kind: string, sources: readonly { readonly path: string }[]): string[] => {
    const names = new Set<string>();
    for (const { path } of sources) {
      let name = basename(path).replace(/\.json$/i, "");
      for (let i = 2; names.has(name.toLowerCase()); i++)
        name = `${basename(path).replace(/\.json$/i, "")}-${i}`;
      names.add(name.toLowerCase());
    }
    return [...names].map((name) => `tests/fixtures/${kind}/${folder}/${name}.json`);
  };
  return {
    schema: `schemas/${contract.record.schema}`,
    snippet: `snippets/${folder}.ts`,
    examples: below("valid", contract.examples),
    invalidExamples: below("invalid", contract.invalidExamples),
  };
}

function filesOf({ contract, snippet, paths }: Packed): (readonly [path: string, text: string])[] {
  const { ref, schemaText, examples, invalidExamples } = contract;
  return [
    [paths.schema, schemaText],
    [paths.snippet, snippet],
    ...examples.map(({ data }, i) => [paths.examples[i] ?? "", `${jsonText(data, 2)}\n`] as const),
    ...invalidExamples.map(({ error, data }, i) => {
      return [paths.invalidExamples[i] ?? "", `${jsonText({ event: ref, error, data }, 2)}\n`] as const;
    }),
  ];
}

function packedRecord({ contract: { record }, paths }: Packed): ReadContract["record"] {
  const { schema, examples, invalidExamples } = paths;
  return { ...record, schema, examples, invalid_examples: invalidExamples };
}

function indexText(packed: readonly Packed[], parts: readonly DomainPart[]): string {
  const partOf = new Map(parts.flatMap(({ path, refs }) => refs.map((ref) => [ref, path] as const)));
  const events = packed.map((one) => {
    const { $id, "x-version": full } = JSON.parse(one.contract.schemaText) as Record<string, unknown>;
    return {
      ...packedRecord(one),
      schema_id: $id ?? null,
      schema_version: full ?? null,
      part: partOf.get(one.contract.ref) ?? null,
      snippet: one.paths.snippet,
    };
  });
  return `${jsonText({ events }, 2)}\n`;
}

/** JSON is YAML. */
function recordsText(packed: readonly Packed[]): string {
  const text = `${jsonText(packed.map(packedRecord), 2)}\n`;
  // The pack's paths are longer: this proves that the mesh accepts them.
  parseRecords(text, REGISTRY_FILE);
  return text;
}
