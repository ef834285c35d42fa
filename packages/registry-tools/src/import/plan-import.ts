import { invalid } from "@adaos/config";
import { formatEventRef, MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { namingProblem } from "../naming.ts";
import { type ContractsPlan, planContracts } from "../scaffold/plan-contracts.ts";
import { type ImportedContract, importedContract } from "./contract-files.ts";
import type { FoundContract, FoundContracts, Naming } from "./found-contract.ts";
import { nameContract } from "./name-contract.ts";
import { readSource } from "./read-source.ts";

export interface ImportOptions extends Naming {
  /** The reason why names may break the naming rules. */
  readonly namingException: string | undefined;
}

/** The planned files of an import, checked as a whole. */
export interface ImportPlan {
  readonly plan: ContractsPlan;
  readonly contracts: readonly ImportedContract[];
  /** Notes for a person to check, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Plans the import of contracts from a folder of JSON Schemas, an AsyncAPI document or a file of CloudEvents, and
 * writes nothing. One error lists all problems.
 * @throws MeshError `usage` for names and registry, `invalid-config` for faults of the source.
 */
export async function planImport(dir: string, path: string, options: ImportOptions): Promise<ImportPlan> {
  const source = await readSource(path);
  if (source.contracts.length === 0)
    throw new MeshError("usage", [`${path} holds no event`, ...source.notes].join("; "));
  const contracts = contractsOf(source, options);
  for (const called of options.map.keys()) {
    if (!contracts.some((one) => one.called === called))
      throw new MeshError("usage", `--map names ${JSON.stringify(called)}, which ${path} does not hold`);
  }
  const plan = await planContracts(
    dir,
    contracts.map(({ planned }) => planned),
  );
  const notes = [
    ...source.notes,
    ...contracts.flatMap((one) => one.notes),
    ...plan.warnings.map(({ message, rule }) => `${message} (${rule})`),
  ];
  return { plan, contracts, notes };
}

function contractsOf(source: FoundContracts, options: ImportOptions): ImportedContract[] {
  const problems: MeshError[] = [];
  const byRef = new Map<string, ImportedContract>();
  for (const found of source.contracts) {
    try {
      const contract = contractOf(found, source, options);
      const ref = formatEventRef(contract.name, contract.version);
      const other = byRef.get(ref);
      if (other !== undefined)
        throw new MeshError(
          "usage",
          `${found.at} ${found.called} would be ${ref}, as ${other.called} is; say what it is called by --map`,
        );
      byRef.set(ref, contract);
    } catch (thrown) {
      problems.push(MeshError.from(thrown, "internal", found.at));
    }
  }
  const [first] = problems;
  if (first === undefined) return [...byRef.values()];
  throw new MeshError(first.code, invalid(problems, messageOf).message, { cause: first });
}

function contractOf(found: FoundContract, source: FoundContracts, options: ImportOptions): ImportedContract {
  let name: ReturnType<typeof nameContract>;
  try {
    name = nameContract(found.called, options, versionHint(found, source));
  } catch (cause) {
    throw new MeshError("usage", `${found.at} ${messageOf(cause)}`, { cause });
  }
  const problem = namingProblem(name.name, name.kind);
  if (problem !== undefined && options.namingException === undefined) {
    const meant = problem.suggestion === undefined ? "" : `, for example ${problem.suggestion},`;
    throw new MeshError(
      "usage",
      `${found.at} ${problem.message}; name it${meant} by --map, or say why it is right by --naming-exception`,
    );
  }
  return importedContract(found, name, source, problem === undefined ? undefined : options.namingException);
}

/** The major version in a schema. */
function versionHint({ schema }: FoundContract, { documents }: FoundContracts): number | undefined {
  if (schema.kind === "made") return undefined;
  const full = documents.get(schema.source.file)?.["x-version"];
  const [, major] = /^([1-9]\d{0,3})\.\d+\.\d+$/.exec(String(full)) ?? [];
  return major === undefined ? undefined : Number(major);
}
