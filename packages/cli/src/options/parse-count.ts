import { InvalidArgumentError } from "commander";

/** `--count N`. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("must be a positive whole number");
}
