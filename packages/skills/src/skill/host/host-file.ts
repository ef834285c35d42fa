import { fileURLToPath } from "node:url";

/** The program that a skill's process runs; it stands beside this file, and beside the bundle of a daemon. */
export const HOST_FILE: string = fileURLToPath(new URL("./skill-host.js", import.meta.url));
