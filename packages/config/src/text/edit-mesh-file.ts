import { readFileSync } from "node:fs";
import { MeshError } from "@adaos/core";
import type { NodeAddress } from "@adaos/core/wire";
import { type Document, isMap, parseDocument } from "yaml";
import { withEntry, withoutEntry } from "./edit-yaml-map.ts";

/** A new member for a mesh file: patterns and roles as text. */
export interface NewMember {
  readonly roles: readonly string[];
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** The text of a mesh file with one more member. The rest stays as written. Throws `usage` or `invalid-config`. */
export function withMember(file: string, { subnet, node }: NodeAddress, member: NewMember): string {
  const { document, text } = read(file, subnet);
  const path = ["subnets", subnet, "members"];
  if (document.hasIn([...path, node]))
    throw new MeshError("usage", `${file} has a member ${subnet}/${node} already`);
  const lists = Object.entries(member).filter(([, list]) => list.length > 0);
  return withEntry(document, text, path, node, Object.fromEntries(lists));
}

/**
 * The text of a mesh file without one of its members. The rest stays as written. Throws `usage` or
 * `invalid-config`.
 */
export function withoutMember(file: string, { subnet, node }: NodeAddress): string {
  const { document, text } = read(file, subnet);
  const path = ["subnets", subnet, "members", node];
  if (!document.hasIn(path)) throw new MeshError("usage", `${file} has no member ${subnet}/${node}`);
  return withoutEntry(document, text, path);
}

function read(file: string, subnet: string): { readonly document: Document; readonly text: string } {
  const text = readFileSync(file, "utf8");
  const document = parseDocument(text, { version: "1.2" });
  if (document.errors.length > 0) throw new MeshError("invalid-config", `${file} is not YAML; mend it first`);
  if (!isMap(document.getIn(["subnets", subnet], true))) {
    throw new MeshError("usage", `${file} has no subnet ${subnet}`);
  }
  return { document, text };
}
