import { z } from "zod";

/** Limits of size and age of streams. */
export const streamLimitsSchema = z.strictObject({
  maxBytes: z
    .number()
    .int()
    .min(1_048_576)
    .default(1_073_741_824)
    .describe("bytes of a stream; a full stream refuses events"),
  maxAgeHours: z
    .number()
    .positive()
    .max(87_600)
    .default(168)
    .describe("age at which a stream drops a message"),
  duplicateWindowMs: z
    .number()
    .int()
    .min(1000)
    .max(3_600_000)
    .default(120_000)
    .describe(
      "time for which a stream recognises a stored event id; costs about 300 bytes of memory an event",
    ),
  maxShare: z
    .number()
    .min(0.25)
    .max(0.95)
    .default(0.75)
    .describe(
      "largest share of one member's, or one other subnet's, messages in these messages plus the free room of a stream",
    ),
});

export type StreamLimits = z.infer<typeof streamLimitsSchema>;
