import { createHash } from "node:crypto";
import type { EventDocs } from "./event-doc.ts";

/** A version for documents generated from a registry: it changes when any contract changes. */
export function registryDigest({ events }: EventDocs): string {
  const contracts = events.map(({ record, schema }) => [record, schema]);
  return `sha256-${createHash("sha256").update(JSON.stringify(contracts)).digest("hex").slice(0, 12)}`;
}
