import { createRequire } from "node:module";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

/**
 * A package that is only needed for probes of one type, as the caller says that it looks: beside this code, or where
 * the process was started. Throws `invalid-config` when it is not installed.
 */
export function loadDriver<T>(name: string, type: string): T {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    const require = createRequire(from);
    try {
      require.resolve(name);
    } catch {
      continue;
    }
    try {
      return require(name) as T;
    } catch (cause) {
      const why = `the package ${name}, by which ${type} is probed, cannot be loaded: ${messageOf(cause)}`;
      throw new MeshError("invalid-config", why, { cause });
    }
  }
  throw new MeshError(
    "invalid-config",
    `a probe of ${type} needs the package ${name}, which is not installed; run npm install ${name}`,
  );
}
