import { MeshError, parseEventRef, type Violation } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";

/**
 * The error of a publish with every rule that the data breaks, at most 20. Where the registry's folder says less than
 * the one that refused it, the error as it is.
 */
export async function withAllViolations(
  error: MeshError,
  event: string,
  data: unknown,
  registryDir: string,
): Promise<MeshError> {
  const { name, version } = parseEventRef(event);
  let violations: readonly Violation[];
  try {
    violations = (await loadRegistry(registryDir)).violationsOf(name, version, data);
  } catch {
    return error;
  }
  if (violations.length <= error.violations.length) return error;
  const told = violations.map(
    ({ pointer, expected }) => `${pointer === "" ? "the data" : pointer} ${expected}`,
  );
  const { schema = "" } = error;
  const message = `${event} breaks its schema ${schema}: ${told.join("; ")}`;
  return new MeshError("invalid-event", message, { violations, schema, cause: error });
}
