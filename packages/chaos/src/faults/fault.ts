import type { ChaosMesh } from "../chaos-mesh.ts";

/** An injected fault, and how it ends. */
export interface Harm {
  /** One clause for the report: `nodes/alpha_hub.json cut at byte 211`. */
  readonly detail: string;
  /** Removes the cause, as a person would who repairs the disk or the file. Safe to call twice. */
  end(): Promise<void>;
}

export interface FaultScene {
  readonly mesh: ChaosMesh;
  readonly target: string;
  readonly random: () => number;
}

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  /** Its effect, in one clause. */
  readonly summary: string;
  /** Whether stored events may be lost for good; such a fault is injected only when it is named. */
  readonly losesEvents: boolean;
  /** Its possible targets in this mesh; empty where this machine does not permit it. */
  targets(mesh: ChaosMesh): readonly string[];
  /** Injects the fault. Leaves nothing behind when it rejects. */
  begin(scene: FaultScene): Promise<Harm>;
}

/** For a fault that ends by itself. */
export const NOTHING_TO_END = async (): Promise<void> => undefined;
