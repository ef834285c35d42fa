import { MeshError, type MeshErrorCode } from "@adaos/core";
import type { DaemonEvent } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { OwnEvents } from "./own-events.ts";

const event = (id: string): DaemonEvent => ({ id, name: "mesh.node.ready", data: {} });

let log: RecordingLog;
let stored: string[];
let failures: MeshErrorCode[];
let may: boolean | undefined;
let own: OwnEvents;

beforeEach(() => {
  log = new RecordingLog();
  stored = [];
  failures = [];
  may = true;
  own = new OwnEvents({
    publish: async ({ id }) => {
      const code = failures.shift();
      if (code !== undefined) throw new MeshError(code, "no");
      stored.push(id);
    },
    mayPublish: () => may,
    log,
    firstPauseMs: 1,
  });
});
afterEach(() => own.stop());

describe("OwnEvents", () => {
  test("publishes in order, each until it is stored", async () => {
    failures = ["unavailable", "timeout", "backpressure"];
    for (const id of ["a", "b", "c"]) own.add(event(id));
    await vi.waitFor(() => expect(stored).toEqual(["a", "b", "c"]));
  });

  test("drops an event that time cannot cure, says so, and goes on", async () => {
    failures = ["invalid-event"];
    for (const id of ["a", "b"]) own.add(event(id));
    await vi.waitFor(() => expect(stored).toEqual(["b"]));
    expect(log.lines).toMatchObject([{ level: "warn", fields: { event_id: "a", isTriedAgain: false } }]);
  });

  test("waits for a registry, and publishes nothing that the registry or policy does not let through", async () => {
    may = undefined;
    own.add(event("a"));
    await vi.waitFor(() => expect(stored).toEqual([]));
    may = false;
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    may = true;
    own.add(event("b"));
    await vi.waitFor(() => expect(stored).toEqual(["b"]));
  });

  test("holds a bounded number", () => {
    failures = ["unavailable"];
    for (let i = 0; i < 60; i++) own.add(event(String(i)));
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(10);
  });

  test("ends at once while a server is away, and takes nothing more", async () => {
    own = new OwnEvents({
      publish: () => Promise.reject(new MeshError("unavailable", "away")),
      mayPublish: () => true,
      log,
    });
    own.add(event("a"));
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    await own.stop();
    own.add(event("b"));
    expect(log.lines).toHaveLength(1);
  });
});
