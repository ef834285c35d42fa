/** A viewer reads; an operator also changes. */
export const ROLES = ["viewer", "operator"] as const;

export type Role = (typeof ROLES)[number];

/** Whether a role may do what another role is required for. Pure. */
export function isAllowed(has: Role, needed: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(needed);
}
