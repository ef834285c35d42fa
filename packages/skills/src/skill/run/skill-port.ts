import type { Bus, Logger } from "@adaos/core";
import type { Runtime } from "../process/launch.ts";
import type { LogSource } from "../process/skill-log.ts";
import type { LogLevel } from "../protocol/messages.ts";

/** The used part of a member's bus. */
export type SkillBus = Pick<Bus, "address" | "publish" | "request" | "subscribe">;

/** Where a skill's log goes. */
export interface SkillLogSink {
  /** Lines that were too many. */
  readonly dropped: number;
  write(level: LogLevel, from: LogSource, message: string, fields?: Readonly<Record<string, unknown>>): void;
  close(): void;
}

/** What a skill needs of its daemon. */
export interface SkillPort {
  readonly bus: SkillBus;
  readonly runtime: Runtime;
  readonly log: Logger;
  /** Newest version of an event in the registry; 1 where it has none. */
  newest(name: string): number;
  /** Why policy does not let the member publish or subscribe this; undefined where it does. */
  policyProblem(verb: "publish" | "subscribe", pattern: string): string | undefined;
  /** Opens a skill's log. */
  openLog(skill: string): SkillLogSink;
  /** A process of a skill has started: should the daemon be killed, its successor ends it. */
  onStarted?(pid: number): void;
}
