import { MeshError } from "./errors.ts";

/** Throws `usage` unless an option is a whole number within these limits. */
export function assertWithin(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new MeshError("usage", `${name} must be a whole number from ${least} to ${most}, got ${value}`);
}

/** Throws `usage` unless an option, which may be a fraction, lies within these limits. */
export function assertBetween(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new MeshError("usage", `${name} must be ${least} to ${most}, got ${value}`);
}
