import { visibleJson } from "@adaos/core/wire";
import { type MeshHealth, VIEWER } from "@adaos/supervise";
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

/** Says where the viewer is, if the mesh has one that answers. */
export function tellViewer({ components }: MeshHealth, terminal: Terminal): void {
  const details = components.find(({ name }) => name === VIEWER)?.details?.["viewer"];
  const { url } = (details ?? {}) as { readonly url?: string };
  if (url !== undefined) terminal.say(`viewer at ${url}; adaos view opens it`);
}
