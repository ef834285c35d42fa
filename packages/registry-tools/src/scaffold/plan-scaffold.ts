import { MeshError } from "@adaos/core";
import { eventNameProblem, quote } from "@adaos/core/wire";
import { namingProblem } from "../naming.ts";
import { type ContractsPlan, planContracts } from "./plan-contracts.ts";
import { contractFiles, type NewContract, recordOf } from "./templates.ts";

/**
 * Plans a new contract and writes nothing.
 * @throws MeshError `usage` for a name that breaks a rule or is taken, `invalid-config` for an invalid registry.
 */
export async function planScaffold(dir: string, contract: NewContract): Promise<ContractsPlan> {
  assertName(contract);
  const { name, version } = contract;
  const planned = { name, version, record: recordOf(contract), files: contractFiles(contract) };
  const plan = await planContracts(dir, [planned]);
  const [first] = plan.warnings;
  if (first === undefined) return plan;
  throw new MeshError("usage", `${first.message} (${first.rule})`);
}

/** Names contain no slash and no `..`, so no path made of a name leads out of the registry. */
function assertName({ name, version, kind, namingException }: NewContract): void {
  const wrong = eventNameProblem(name);
  if (wrong !== undefined) throw new MeshError("usage", `the name ${quote(name)} ${wrong}`);
  if (!(Number.isInteger(version) && version >= 1 && version <= 9999))
    throw new MeshError("usage", `version must be 1 to 9999, got ${version}`);
  const problem = namingProblem(name, kind);
  if (problem === undefined || namingException !== undefined) return;
  const meant = problem.suggestion === undefined ? "" : `; did you mean ${problem.suggestion}?`;
  throw new MeshError("usage", `${problem.message} (${problem.rule})${meant}`);
}
