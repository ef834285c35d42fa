import { z } from "zod";

/** The state of a stream when its snapshot began; further fields stay as they are. */
export interface SnapshotState {
  readonly messages: number;
  readonly bytes: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly [field: string]: unknown;
}

/** The settings of a stream, as the server has them. */
export interface SnapshotConfig {
  readonly name: string;
  readonly [field: string]: unknown;
}

const count = z.number().int().nonnegative();

export const snapshotStateSchema: z.ZodType<SnapshotState> = z.looseObject({
  messages: count,
  bytes: count,
  first_seq: count,
  last_seq: count,
});

export const snapshotConfigSchema: z.ZodType<SnapshotConfig> = z.looseObject({ name: z.string().min(1) });
