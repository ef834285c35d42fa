import { visibleJson } from "@adaos/core/wire";
import type { MeshHealth } from "@adaos/supervise";
import { type Terminal, table } from "./terminal.ts";

/** Prints a line for each process, or all as one JSON object. */
export function printHealth(health: MeshHealth, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(visibleJson(health));
  const rows = health.components.map(({ kind, name, ready, note }) => [
    kind,
    name,
    ready ? "ready" : "NOT READY",
    note,
  ]);
  const broken = health.config.errors.map(({ file, place, message, remedy }) => [
    "config",
    place ?? file,
    "BROKEN",
    `${message}; ${remedy}`,
  ]);
  for (const line of table([...rows, ...broken])) terminal.out(line);
}
