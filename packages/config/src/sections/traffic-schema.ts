import { z } from "zod";

/** Limit of a member's traffic, above which its hub treats it as a flood. */
export const floodSchema = z.strictObject({
  messagesPerSecond: z.number().int().min(100).max(1_000_000_000).default(100_000),
  bytesPerSecond: z.number().int().min(65_536).max(1_000_000_000_000).default(134_217_728),
});

export type FloodLimits = z.infer<typeof floodSchema>;

/** Limits of the events that a member keeps on its disk while its hub is away. */
export const outboxLimitsSchema = z.strictObject({
  maxBytes: z
    .number()
    .int()
    .min(1_048_576)
    .max(17_179_869_184)
    .default(67_108_864)
    .describe("bytes in the outbox of each process"),
  maxEvents: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe("events in the outbox of each process"),
});

export type OutboxLimits = z.infer<typeof outboxLimitsSchema>;
