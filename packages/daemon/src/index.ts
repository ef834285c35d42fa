export { openLog } from "./log.ts";
export { NodeFileWatch } from "./node-file-watch.ts";
export { type OpenNode, openNode } from "./open-node.ts";
export type { Part, PartHealth } from "./part.ts";
export { positionFile } from "./position-file.ts";
export { type Progress, Rounds } from "./progress.ts";
export type { RunFile } from "./run-node.ts";
export { configErrors, HEALTH_PATH, type NodeStatus, startStatusServer } from "./status-server.ts";
export { startTelemetry } from "./telemetry.ts";
