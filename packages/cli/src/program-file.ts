import { fileURLToPath } from "node:url";

/** The file of this program, for the processes that it starts. */
export const PROGRAM_FILE: string = fileURLToPath(new URL("../bin/adaos.mjs", import.meta.url));

/** The template of a new mesh. Named here, since a bundle is as deep below the package as this file. */
export const TEMPLATE_FOLDER: string = fileURLToPath(new URL("../template", import.meta.url));

/** The built page of the viewer, likewise. */
export const PAGE_FOLDER: string = fileURLToPath(new URL("../bundle/page", import.meta.url));
