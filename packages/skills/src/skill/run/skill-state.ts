/** What a skill is doing. `waiting` for its next start, `refused` until its file or policy is corrected. */
export type SkillState = "starting" | "running" | "waiting" | "refused" | "stopped" | "disabled";

/** A skill as its daemon's status and `adaos skill list` show it. */
export interface SkillStatus {
  readonly name: string;
  readonly version: string | null;
  readonly folder: string;
  readonly state: SkillState;
  /** Why it does not run, or what is wrong although it does. */
  readonly reason: string | null;
  readonly pid: number | null;
  /** Since when it is in this state. */
  readonly since: string;
  readonly restarts: number;
  readonly memory_bytes: number | null;
  readonly in_hand: number;
  readonly dropped_lines: number;
  readonly subscribe: readonly string[];
  readonly publish: readonly string[];
  readonly durables: readonly string[];
}
