import type { ChaosMesh } from "../chaos-mesh.ts";
import { type LogLoss, LogWitness } from "./log-witness.ts";
import { type MemoryUse, MemoryWitness } from "./memory-witness.ts";

const LOOK_MS = 500;

/** What was seen of a mesh beside its events. */
export interface Witnessed {
  readonly logs: LogLoss;
  /** Nothing where the machine does not tell. */
  readonly memory: MemoryUse | null;
}

/** Looks at logs and memory while faults happen. */
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

  /** Looks no more. Safe to call twice. */
  stop(): Witnessed {
    clearInterval(this.#looking);
    return { logs: this.#logs.count(), memory: this.#memory.count() };
  }
}
