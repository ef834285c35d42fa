import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME } from "../kit/mesh.ts";
import { SystemdManager } from "../kit/systemd-manager.ts";

const CLI = join(HOME, "packages/cli/bin/adaos.mjs");
const MESH = `
mesh: demo
registry: ${join(HOME, "schemas/events")}
policy:
  - { id: start, allow: publish, events: [system.boot.completed, mesh.node.ready] }
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.], subscribe: [ui.] }
`;
const LIMIT_MS = 60_000;

const dir = mkdtempSync(join(tmpdir(), "adaos-systemd-"));
const state = join(dir, "state");
const started = await SystemdManager.start(dir);
const reason = typeof started === "string" ? started : undefined;
const manager = started as SystemdManager;

const adaos = (...args: string[]) => manager.run(process.execPath, CLI, ...args);

afterAll(async () => {
  if (reason === undefined) await manager.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(reason !== undefined)(
  `adaos install systemd${reason === undefined ? "" : `: ${reason}`}`,
  () => {
    beforeAll(async () => {
      writeFileSync(join(dir, "mesh.yaml"), MESH);
      const result = await adaos(
        "install",
        "systemd",
        "--state",
        state,
        "--config",
        join(dir, "mesh.yaml"),
        "--now",
      );
      expect(result, result.stderr).toMatchObject({ code: 0 });
    }, 2 * LIMIT_MS);

    test("starts everything", { timeout: LIMIT_MS }, async () => {
      console.log((await manager.run("systemctl", "list-units", "--no-pager", "adaos*")).stdout);
      console.log(
        (await manager.run("systemctl", "status", "--no-pager", "adaos-demo-alpha_kitchen")).stdout,
      );
      console.log((await adaos("status", "--state", state)).stdout);
      expect(await manager.property("adaos-demo-alpha_kitchen.service", "ActiveState")).toBe("active");
    });
  },
);
