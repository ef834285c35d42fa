import { readFileSync } from "node:fs";
import { MeshError } from "@adaos/core";
import type { NodeAddress } from "@adaos/core/wire";
import { type Document, isMap, parseDocument } from "yaml";

/** A member as it is added to a mesh file: patterns and roles as text. */
export interface NewMember {
  readonly roles: readonly string[];
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * The text of a mesh file with one member more. Its comments and its order stay. Throws `usage` or `invalid-config`.
 */
export function withMember(file: string, { subnet, node }: NodeAddress, member: NewMember): string {
  const document = read(file, subnet);
  const path = ["subnets", subnet, "members", node];
  if (document.hasIn(path)) throw new MeshError("usage", `${file} has a member ${subnet}/${node}`);
  const lists = Object.entries(member).filter(([, list]) => list.length > 0);
  const added = document.createNode(Object.fromEntries(lists), { flow: true });
  document.setIn(path, added);
  return textOf(document);
}

/** The text of a mesh file without one of its members. Throws `usage` or `invalid-config`. */
export function withoutMember(file: string, { subnet, node }: NodeAddress): string {
  const document = read(file, subnet);
  const path = ["subnets", subnet, "members", node];
  if (!document.hasIn(path)) throw new MeshError("usage", `${file} has no member ${subnet}/${node}`);
  document.deleteIn(path);
  return textOf(document);
}

function read(file: string, subnet: string): Document {
  const document = parseDocument(readFileSync(file, "utf8"), { version: "1.2" });
  if (document.errors.length > 0) throw new MeshError("invalid-config", `${file} is not YAML; mend it first`);
  if (!isMap(document.getIn(["subnets", subnet], true))) {
    throw new MeshError("usage", `${file} has no subnet ${subnet}`);
  }
  return document;
}

function textOf(document: Document): string {
  // Lines are not folded: whoever wrote them had a reason.
  return document.toString({ lineWidth: 0 });
}
