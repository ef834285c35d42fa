import type { NodeRole } from "@adaos/config";

const ROLES: readonly string[] = ["root", "hub", "member"] satisfies NodeRole[];

export function isNodeRole(text: string): text is NodeRole {
  return ROLES.includes(text);
}
