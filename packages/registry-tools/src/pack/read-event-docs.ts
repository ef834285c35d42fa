import { formatEventRef } from "@adaos/core";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { openFolder } from "@adaos/registry";
import { eventSection, type SectionPlaces } from "./event-section.ts";
import { type ReadContract, readContract } from "./read-contract.ts";
import { partnersOf, snippetOf } from "./snippet.ts";

/** One event with its files read, and the Markdown about it. */
export interface EventDocs {
  readonly contract: ReadContract;
  /** Writes the text within `maxTokens`; parts beyond the limit are replaced by their paths. */
  text(places: SectionPlaces, maxTokens: number): string;
}

/** Reads everything about one event anew, as a pack shows it. Rejects as `readContract` does. */
export async function readEventDocs(registry: FileRegistry, record: EventRecord): Promise<EventDocs> {
  const folder = await openFolder(registry.dir);
  const { name, version } = record;
  const ref = formatEventRef(name, version);
  const names = new Set([name, `${name}.result`, name.replace(/\.result$/, "")]);
  const contracts: ReadContract[] = [];
  for (const one of registry.records)
    if (one.version === version && names.has(one.name))
      contracts.push(await readContract(registry, folder, one));
  const contract = contracts.find((one) => one.ref === ref) as ReadContract;
  const snippet = snippetOf(contract, partnersOf(contracts).get(ref));
  return { contract, text: (places, maxTokens) => eventSection(contract, snippet, places, maxTokens) };
}
