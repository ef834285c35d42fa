import type { DaemonEvent } from "@adaos/core/wire";
import { describe, expect, test, vi } from "vitest";
import { bootCompleted, nodeReady, reportStart, type StartedNode } from "./start-events.ts";

const NODE: StartedNode = { node: "alpha/kitchen", role: "member", startedMs: Date.UTC(2026, 0, 5, 9, 30) };

describe("bootCompleted() and nodeReady()", () => {
  test("have the same id at every attempt of one process, and another for another process, node or event", () => {
    const ids = (of: StartedNode, nowMs: number): string[] => [
      bootCompleted(of, nowMs).id,
      nodeReady(of, nowMs).id,
    ];
    const first = ids(NODE, NODE.startedMs + 840);
    expect(ids(NODE, NODE.startedMs + 9000)).toEqual(first);
    const others = [
      ...ids({ ...NODE, startedMs: NODE.startedMs + 1 }, 0),
      ...ids({ ...NODE, node: "alpha/speaker" }, 0),
    ];
    expect(new Set([...first, ...others]).size).toBe(6);
  });

  test("name the node as their schemas do", () => {
    const nowMs = NODE.startedMs + 840;
    expect(bootCompleted(NODE, nowMs)).toMatchObject({
      component: "system",
      data: { node: "kitchen", duration_ms: 840 },
    });
    expect(nodeReady(NODE, nowMs).data).toMatchObject({
      node: "alpha/kitchen",
      role: "member",
      duration_ms: 840,
    });
    expect(bootCompleted({ ...NODE, node: "root" }, nowMs).data).toMatchObject({ node: "root" });
  });
});

describe("reportStart()", () => {
  test("reports readiness once, when it comes", async () => {
    const announced: string[] = [];
    const announce = ({ name }: DaemonEvent): void => void announced.push(name);
    let isReady = false;
    const stop = reportStart(NODE, () => isReady, announce);
    expect(announced).toEqual(["system.boot.completed"]);
    isReady = true;
    const both = ["system.boot.completed", "mesh.node.ready"];
    await vi.waitFor(() => expect(announced).toEqual(both), 4000);
    isReady = false;
    stop();
    expect(announced).toEqual(both);
  });
});
