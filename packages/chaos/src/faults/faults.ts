import { MeshError } from "@adaos/core";
import type { Fault } from "./fault.ts";
import { breakConfig } from "./files.ts";
import { cutLink } from "./links.ts";
import { hang, kill, slow, terminate } from "./processes.ts";
import { fewDescriptors, fillDisk, takePort } from "./resources.ts";
import { cutBlock, flipBit, tearMeta } from "./stores.ts";
import { deleteDurable, deleteStream } from "./streams.ts";

/** All kinds of faults. */
export const FAULTS: readonly Fault[] = [
  kill,
  hang,
  terminate,
  slow,
  cutLink,
  breakConfig,
  takePort,
  fewDescriptors,
  fillDisk,
  flipBit,
  cutBlock,
  tearMeta,
  deleteStream,
  deleteDurable,
];

/** The faults of these names; without names all that lose no events. Throws `usage`. */
export function faultsOf(names: readonly string[] | undefined): readonly Fault[] {
  if (names === undefined) return FAULTS.filter(({ losesEvents }) => !losesEvents);
  return names.map((name) => {
    const fault = FAULTS.find((one) => one.name === name);
    if (fault !== undefined) return fault;
    const known = FAULTS.map((one) => one.name).join(", ");
    throw new MeshError("usage", `no fault ${JSON.stringify(name)}; there are ${known}`);
  });
}
