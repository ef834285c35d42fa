import { z } from "zod";

/** `logs` of a mesh file. */
export const logsSchema = z
  .enum(["folder", "output"])
  .default("folder")
  .describe("folder: servers and daemons log to files in the state folder; output: to their own output");
