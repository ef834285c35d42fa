import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";

/** The conditions that the numbers depend on, beside code and scenario. */
export function conditionsHere(): Readonly<Record<string, string | number>> {
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    node: process.version,
    "nats client": versionOf("nats"),
    platform: `${process.platform} ${process.arch}`,
    cpu: cpu?.model.trim() ?? "unknown",
    cores: cpus().length,
    "memory, GB": Math.round(totalmem() / 2 ** 30),
  };
}

/** Version of an installed package. Its package.json may not be exported, so it is searched above its entry. */
function versionOf(name: string): string {
  let dir = dirname(createRequire(import.meta.url).resolve(name));
  for (; dir !== dirname(dir); dir = dirname(dir)) {
    try {
      const found = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as Record<string, string>;
      if (found["name"] === name && found["version"] !== undefined) return found["version"];
    } catch {
      // Continue further up.
    }
  }
  return "unknown";
}
