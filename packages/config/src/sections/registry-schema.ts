import { z } from "zod";

const DEFAULT_REGISTRY = "schemas/events";

/** The changes of the registry's folder that the root puts in force by itself. */
export const autoApplySchema = z
  .union([z.literal("compatible"), z.literal(false)])
  .default("compatible")
  .describe(
    "compatible: the root puts a saved change in force if it breaks no publisher and no handler; false: adaos registry apply puts changes in force",
  );

/** `registry` of a mesh file. */
export const registrySchema = z
  .union([
    z.string().min(1),
    z.strictObject({ path: z.string().min(1).default(DEFAULT_REGISTRY), autoApply: autoApplySchema }),
  ])
  .default(DEFAULT_REGISTRY)
  .describe("folder of the schema registry, relative to this file");

export type AutoApply = z.infer<typeof autoApplySchema>;
