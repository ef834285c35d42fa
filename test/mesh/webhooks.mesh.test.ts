import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { type OctokitEvent, writeOctokitRegistry } from "../kit/octokit-registry.ts";

describe("GitHub's webhook examples across the mesh", () => {
  let mesh: TestMesh;
  let registryDir: string;
  let events: readonly OctokitEvent[];

  beforeAll(async () => {
    registryDir = mkdtempSync(join(tmpdir(), "adaos-webhooks-"));
    ({ events } = await writeOctokitRegistry(registryDir));
    mesh = await TestMesh.start({
      yaml: `
mesh: webhooks
registry: ${registryDir}
subnets:
  alpha:
    export: [github.]
    members: { receiver: { publish: [github.] } }
  beta:
    import: [github.]
    members: { archive: { subscribe: [github.] } }
`,
    });
  });
  afterAll(async () => {
    await mesh.stop();
    rmSync(registryDir, { recursive: true, force: true });
  });

  test("exactly the valid ones arrive in the other subnet, each once and in order; each other names its field", async () => {
    const receiver = await mesh.connect("alpha/receiver");
    const archive = await mesh.connect("beta/archive");
    const arrived: { id: string; name: string; data: unknown }[] = [];
    await archive.subscribe("github.", { durable: "archive", maxConcurrency: 1 }, (event) => {
      arrived.push({ id: event.event_id, name: event.event_name, data: event.data });
    });

    const sent: { id: string; name: string; data: unknown }[] = [];
    const refused: MeshError[] = [];
    for (const { name, version, data, accepted } of events) {
      try {
        const { eventId } = await receiver.publish(`${name}@${version}`, data);
        expect(accepted, `${name} was published against its schema`).toBe(true);
        sent.push({ id: eventId, name, data });
      } catch (thrown) {
        if (!(thrown instanceof MeshError)) throw thrown;
        expect(accepted, `${name} was refused: ${thrown.message}`).toBe(false);
        refused.push(thrown);
      }
    }
    expect(events).toHaveLength(329);
    expect(sent).toHaveLength(276);
    expect(refused).toHaveLength(53);
    for (const { code, violations, message, schema } of refused) {
      expect(code).toBe("invalid-event");
      expect(violations.length).toBeGreaterThan(0);
      for (const { pointer, expected } of violations) {
        expect(pointer).toMatch(/^(\/|$)/);
        expect(expected).not.toBe("");
      }
      expect(message).toContain(violations[0]?.pointer);
      expect(schema).toBeTruthy();
    }

    await until("all have arrived", () => arrived.length >= sent.length);
    expect(arrived.map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    expect(arrived).toEqual(sent);
    // The stream itself holds nothing but these: what was refused never left the publisher.
    const jsz = await mesh.monitor<{
      account_details: { stream_detail?: { name: string; state: { messages: number } }[] }[];
    }>("beta", "JSZ", { streams: true, accounts: true });
    const streams = jsz.account_details.flatMap(({ stream_detail }) => stream_detail ?? []);
    expect(streams.find(({ name }) => name === "EVENTS_beta")?.state.messages).toBe(276);
    expect(readFileSync(join(mesh.state, "mesh.json"), "utf8")).toContain(registryDir);
  });
});
