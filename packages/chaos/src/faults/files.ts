import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { writeWhole } from "@adaos/config";
import { signalProcess } from "@adaos/supervise";
import type { Fault } from "./fault.ts";

export const breakConfig: Fault = {
  name: "break-config",
  summary: "a daemon's file is cut in its middle and the daemon killed; the file is mended later",
  losesEvents: false,
  targets: (mesh) => mesh.layout.nodes.map(({ id }) => id),
  begin: async ({ mesh, target, random }) => {
    const node = mesh.layout.nodes.find(({ id }) => id === target);
    if (node === undefined) throw new Error(`no node ${target}`);
    const whole = readFileSync(node.nodeFile, "utf8");
    const at = Math.floor(random() * whole.length);
    const torn = whole.slice(0, at);
    writeWhole(node.nodeFile, torn);
    const record = mesh.process(target);
    if (record !== undefined) signalProcess(record, "SIGKILL");
    return {
      detail: `${basename(node.nodeFile)} cut at byte ${at}, ${target} killed`,
      end: async () => {
        // Another process may have written a newer one meanwhile.
        if (readFileSync(node.nodeFile, "utf8") === torn) writeWhole(node.nodeFile, whole);
      },
    };
  },
};
