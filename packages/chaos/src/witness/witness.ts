import type { ChaosMesh } from "../chaos-mesh.ts";
import { type LogLoss, LogWitness } from "./log-witness.ts";
import { type MemoryUse, MemoryWitness } from "./memory-witness.ts";

const LOOK_MS = 500;

/** Observations of a mesh beside its events. */
export interface Witnessed {
  readonly logs: LogLoss;
  /** `null` where the machine does not report it. */
  readonly memory: MemoryUse | null;
}

/** Observes logs and memory while faults happen. */
export class Witness {
  readonly #logs: LogWitness;
  readonly #memory: MemoryWitness;
  readonly #looking: NodeJS.Timeout;

  constructor(mesh: ChaosMesh) {
    this.#logs = new LogWitness(mesh);
    this.#memory = new MemoryWitness(mesh);
    this.#looking = setInterval(() => {
      this.#logs.look();
      this.#memory.look();
    }, LOOK_MS);
  }

  /** Ends the observation. Safe to call twice. */
  stop(): Witnessed {
    clearInterval(this.#looking);
    return { logs: this.#logs.count(), memory: this.#memory.count() };
  }
}
