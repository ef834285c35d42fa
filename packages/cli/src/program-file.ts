import { fileURLToPath } from "node:url";

/** The file of this program, for the processes that it starts. */
export const PROGRAM_FILE: string = fileURLToPath(new URL("../bin/adaos.mjs", import.meta.url));
