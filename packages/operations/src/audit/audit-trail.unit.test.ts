import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AuditFile, thisProcess } from "./audit-file.ts";
import { mergeRecords } from "./audit-log.ts";
import { actor, auditDataSchema } from "./audit-record.ts";
import { AuditTrail, unstored } from "./audit-trail.ts";

describe("AuditTrail", () => {
  let dir = "";
  const said: string[] = [];
  const trail = (): AuditTrail => new AuditTrail(dir, (line) => said.push(line));
  const acts = (): ReturnType<AuditFile["read"]> => new AuditFile(dir).read();
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "adaos-audit-"));
    said.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("keeps who did what to how many, for the owner's eyes alone", async () => {
    const act = { action: "events.dlq.purge", what: "all dead letters", subnets: ["beta"] };
    const result = await trail().record(act, async (tally) => {
      tally(3, 1);
      return "purged";
    });
    expect([result, said]).toEqual(["purged", []]);
    const [{ record } = { record: undefined }] = acts();
    expect(record).toMatchObject({
      ...{ action: act.action, what: act.what, outcome: "partly", count: 3, failed: 1 },
      who: expect.stringMatching(/.@./),
    });
    expect(auditDataSchema.safeParse(record).success).toBe(true);
    expect(statSync(new AuditFile(dir).path).mode & 0o077).toBe(0);
  });

  test("keeps an act that fails, and passes its error on", async () => {
    const failing = trail().record({ action: "node.rotate", what: "alpha/kitchen" }, async () => {
      throw new MeshError("unavailable", "the supervisor is away");
    });
    await expect(failing).rejects.toThrow("the supervisor is away");
    expect(acts()[0]?.record).toMatchObject({ outcome: "failed", count: 0, error: "the supervisor is away" });
  });

  test("does an act also where it cannot be recorded, and tells that", async () => {
    writeFileSync(join(dir, "audit"), "");
    expect(await trail().record({ action: "node.add", what: "alpha/hall" }, async () => 7)).toBe(7);
    expect(said[0]).toContain("is not recorded");
  });

  test("tells nothing of how an act ended whose process died, and passes over torn lines", () => {
    const file = new AuditFile(dir);
    const begun = {
      action: "node.add",
      who: "alice@hub",
      what: "alpha/hall",
      began_at: "2026-01-05T09:30:00Z",
    };
    file.append({ line: "begun", id: "A", ...begun, process: { pid: 1, started: "never" } });
    file.append({ line: "begun", id: "B", ...begun, process: thisProcess() });
    appendFileSync(file.path, '{"line":"ended","id":"A","outc');
    expect(acts().map(({ record, isGoingOn }) => [record.outcome, isGoingOn])).toEqual([
      ["unknown", false],
      ["unknown", true],
    ]);
    // An act that still goes on is forwarded once it has ended.
    expect(unstored(acts(), ["alpha"]).map(({ act }) => act.record.id)).toEqual(["A"]);
    expect(readFileSync(file.path, "utf8")).toContain("alpha/hall");
  });

  test("names the one who has become another user", () => {
    expect(actor(undefined, { SUDO_USER: "alice" })).toMatch(/^alice \(as .+\)@/);
    expect(actor(undefined, {})).not.toContain("(as");
    expect(actor("bob by viewer", {})).toMatch(/^bob by viewer \(as .+\)@/);
  });

  test("an act that is known in several places is told once, with the places", async () => {
    await trail().record({ action: "policy.apply", what: "mesh.yaml" }, async (tally) => tally(2));
    const [act] = acts();
    if (act === undefined) throw new Error("nothing was kept");
    new AuditFile(dir).append({ line: "stored", id: act.record.id, subnet: "alpha" });
    const other = { ...act.record, id: "EVT-OTHER", began_at: "2020-01-05T09:30:00Z" };
    const stored = [act.record, other].map((record) => ({ of: "alpha", record }));
    expect(mergeRecords(acts(), stored, ["alpha", "beta"])).toMatchObject([
      { id: "EVT-OTHER", stored_at: ["alpha"], waiting_for: [] },
      { id: act.record.id, stored_at: ["alpha"], waiting_for: ["beta"] },
    ]);
  });
});
