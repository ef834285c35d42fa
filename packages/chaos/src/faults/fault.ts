import type { ChaosMesh } from "../chaos-mesh.ts";

/** What a fault has done, and how it ends. */
export interface Harm {
  /** One clause for the report: `nodes/alpha_hub.json cut at byte 211`. */
  readonly detail: string;
  /** Takes the cause away, as a person would who puts the disk or the file right. Safe to call twice. */
  end(): Promise<void>;
}

export interface FaultScene {
  readonly mesh: ChaosMesh;
  readonly target: string;
  readonly random: () => number;
}

/** One way to do harm. */
export interface Fault {
  readonly name: string;
  /** What it does, in one clause. */
  readonly summary: string;
  /** Whether stored events may be gone for good afterwards; such a fault happens only when it is named. */
  readonly losesEvents: boolean;
  /** What it can hit in this mesh; nothing where this machine does not permit it. */
  targets(mesh: ChaosMesh): readonly string[];
  /** Begins. Nothing of it is left when it rejects. */
  begin(scene: FaultScene): Promise<Harm>;
}

/** Of a fault that ends by itself. */
export const NOTHING_TO_END = async (): Promise<void> => undefined;
