import { fileURLToPath } from "node:url";

/** The file of this program, for the processes that it starts. */
export const PROGRAM_FILE: string = fileURLToPath(new URL("../bin/adaos.mjs", import.meta.url));

/** All that a new mesh begins with. Named here, since a bundle lies as deep below the package as this file does. */
export const TEMPLATE_FOLDER: string = fileURLToPath(new URL("../template", import.meta.url));
