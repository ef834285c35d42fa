import { createHash } from "node:crypto";
import type { EventDocs } from "./event-doc.ts";

/** A version for documents that are generated of a registry: another one when any contract in it is another. */
export function registryDigest({ events }: EventDocs): string {
  const contracts = events.map(({ record, schema }) => [record, schema]);
  return `sha256-${createHash("sha256").update(JSON.stringify(contracts)).digest("hex").slice(0, 12)}`;
}
