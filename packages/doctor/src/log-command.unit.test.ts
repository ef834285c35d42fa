import type { Layout } from "@adaos/provision";
import { expect, test } from "vitest";
import { logCommand } from "./log-command.ts";

const layout: Layout = { mesh: "demo", registryDir: "/r", ports: {}, servers: [], nodes: [] };

test("logCommand() names the file, or the output of a mesh that has no log files", () => {
  const inFolder = { layout, stateDir: "/s" };
  expect(logCommand(inFolder, "alpha/kitchen")).toBe("tail -n 50 /s/logs/alpha_kitchen.log");
  expect(logCommand(inFolder, "root", "link")).toBe("grep link /s/logs/root.log | tail -n 20");
  const onOutput = { layout: { ...layout, logs: "output" as const }, stateDir: "/s" };
  expect(logCommand(onOutput, "root", "link")).toMatch(
    /^look for "link" in what root printed \(logs: output\)/,
  );
  expect(logCommand(onOutput, "root")).toMatch(/^look for the last lines of what root printed/);
});
