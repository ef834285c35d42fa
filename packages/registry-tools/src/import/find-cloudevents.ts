import { invalid } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted } from "@adaos/core/wire";
import { isObject } from "@adaos/json-schema";
import { DRAFT_2020, type FoundContract, type FoundContracts, MAX_CONTRACTS } from "./found-contract.ts";
import { inferSchema } from "./infer-schema.ts";

interface Sample {
  readonly event: unknown;
  readonly at: string;
}

const MAX_EXAMPLES = 20;

/**
 * The types of CloudEvents: their data are examples, from which a schema is inferred. Pure. Throws
 * `invalid-config`.
 */
export function findCloudEvents(samples: readonly Sample[]): FoundContracts {
  const byType = new Map<string, { at: string; data: unknown[] }>();
  const problems: string[] = [];
  for (const { event, at } of samples) {
    const problem = problemOf(event);
    if (problem !== undefined) {
      problems.push(`${at} ${problem}`);
      continue;
    }
    const { type, data = null } = event as { type: string; data?: unknown };
    const known = byType.get(type);
    if (known === undefined) byType.set(type, { at, data: [data] });
    else known.data.push(data);
  }
  if (problems.length > 0) throw invalid(problems, (told) => told);
  if (byType.size > MAX_CONTRACTS)
    throw new MeshError("usage", `more than ${MAX_CONTRACTS} types of events; import them in parts`);
  const contracts = [...byType].map(
    ([type, { at, data }]): FoundContract => ({
      called: type,
      at,
      summary: undefined,
      schema: { kind: "made", schema: inferSchema(data) },
      examples: data.slice(0, MAX_EXAMPLES),
      requiredHeaders: [],
    }),
  );
  const notes = contracts.map(
    ({ called, examples }) =>
      `the schema of ${called} was made of ${counted(examples.length, "event")}; say in it what else holds`,
  );
  return { contracts, documents: new Map(), defaultSchema: DRAFT_2020, notes };
}

function problemOf(event: unknown): string | undefined {
  if (!isObject(event)) return "is no CloudEvent";
  if (event["specversion"] !== "1.0")
    return `has the specversion ${JSON.stringify(event["specversion"]) ?? "of none"}; known is 1.0`;
  const { type, datacontenttype } = event;
  if (typeof type !== "string" || type === "") return "has no type";
  if (event["data_base64"] !== undefined) return "has data_base64: only JSON can be a contract";
  if (datacontenttype !== undefined && !/^[^;]*[/+]json\s*(;|$)/i.test(String(datacontenttype)))
    return `has the datacontenttype ${JSON.stringify(datacontenttype)}: only JSON can be a contract`;
  return undefined;
}
