// Measures lint: node scripts/lint-speed.mjs [events]. It writes a registry of so many events like ui.notify, 1,000
// by default, each with two examples and two invalid ones, in a temporary folder. Needs "npm run build" before.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lintRegistry } from "@adaos/registry-tools";

const count = Number(process.argv[2] ?? 1000);
const model = fileURLToPath(new URL("../schemas/events/ui/notify/v1", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "lint-speed-"));
try {
  const records = Array.from({ length: count }, (_, i) => {
    const name = `lab${i}.sample.notified`;
    const folder = `lab${i}/sample.notified/v1`;
    cpSync(model, join(dir, folder), { recursive: true });
    const schema = join(dir, folder, "schema.json");
    writeFileSync(schema, readFileSync(schema, "utf8").replace("ui.notify", name));
    const list = (path) =>
      readdirSync(join(dir, path))
        .filter((file) => file.endsWith(".json"))
        .slice(0, 2)
        .map((file) => `${path}/${file}`);
    for (const file of readdirSync(join(dir, folder, "examples/invalid")).slice(2))
      rmSync(join(dir, folder, "examples/invalid", file));
    return {
      name,
      version: 1,
      kind: "event",
      summary: "Something to tell the user.",
      status: "stable",
      schema: `${folder}/schema.json`,
      examples: list(`${folder}/examples`),
      invalid_examples: list(`${folder}/examples/invalid`),
    };
  });
  writeFileSync(join(dir, "registry.yaml"), JSON.stringify(records, undefined, 1));
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const { errors } = await lintRegistry(dir);
  const ms = Math.round(performance.now() - startedMs);
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${count} events, ${errors} errors: ${ms} ms, of the processor ${Math.round((user + system) / 1000)} ms`,
  );
} finally {
  rmSync(dir, { recursive: true });
}
