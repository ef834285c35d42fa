import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join, relative } from "node:path";
import { storeDir } from "@adaos/config";
import { serverProcesses } from "@adaos/provision";
import { signalProcess } from "@adaos/supervise";
import type { ChaosMesh } from "../chaos-mesh.ts";
import { pick } from "../random.ts";
import { type Fault, type FaultScene, type Harm, NOTHING_TO_END } from "./fault.ts";

const BLOCK = /\/streams\/[^/]+\/msgs\/\d+\.blk$/;
const META = /\/streams\/[^/]+\/meta\.inf$/;

/** Servers with stores in this state folder. */
const servers = (mesh: ChaosMesh): readonly string[] => serverProcesses(mesh.layout).map(({ name }) => name);

/** A server reads its files only at its start, so it is killed right after the damage. */
export const flipBit: Fault = {
  name: "flip-bit",
  summary: "one bit of a stored block changes, then its server is killed",
  losesEvents: true,
  targets: servers,
  begin: (scene) =>
    harmFile(scene, BLOCK, (file, size) => {
      const at = Math.floor(scene.random() * size);
      const bit = Math.floor(scene.random() * 8);
      const descriptor = openSync(file, "r+");
      try {
        const byte = Buffer.alloc(1);
        readSync(descriptor, byte, 0, 1, at);
        byte[0] = (byte[0] ?? 0) ^ (1 << bit);
        writeSync(descriptor, byte, 0, 1, at);
      } finally {
        closeSync(descriptor);
      }
      return `bit ${bit} of byte ${at} flipped`;
    }),
};

export const cutBlock: Fault = {
  name: "cut-block",
  summary: "the end of a stored block is gone, then its server is killed",
  losesEvents: true,
  targets: servers,
  begin: (scene) =>
    harmFile(scene, BLOCK, (file, size) => {
      const left = Math.floor(scene.random() * size);
      truncateSync(file, left);
      return `cut from ${size} to ${left} bytes`;
    }),
};

export const tearMeta: Fault = {
  name: "tear-meta",
  summary: "the description of a stored stream is torn, then its server is killed",
  losesEvents: true,
  targets: servers,
  begin: (scene) =>
    harmFile(scene, META, (file, size) => {
      const left = Math.floor(scene.random() * size);
      truncateSync(file, left);
      return `cut from ${size} to ${left} bytes`;
    }),
};

async function harmFile(
  { mesh, target, random }: FaultScene,
  pattern: RegExp,
  harm: (file: string, size: number) => string,
): Promise<Harm> {
  const dir = storeDir(mesh.stateDir, target.replace(/^nats-/, ""));
  const file = pick(filesBelow(dir, pattern), random);
  if (file === undefined) return { detail: `${target} has stored nothing yet`, end: NOTHING_TO_END };
  const told = harm(file, statSync(file).size);
  const record = mesh.process(target);
  if (record !== undefined) signalProcess(record, "SIGKILL");
  return { detail: `${relative(mesh.stateDir, file)}: ${told}; ${target} killed`, end: NOTHING_TO_END };
}

/** Files that are not empty, in a stable order. */
function filesBelow(dir: string, pattern: RegExp): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((file) => pattern.test(file) && (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0)
    .sort();
}
