import { messageOf } from "@adaos/core/wire";
import type { PartHealth } from "@adaos/daemon";
import { readJoinedFile } from "@adaos/provision";

/** A change at the root is in force here no later. */
const EACH_MS = 30_000;
/** Machines that a root's restart has brought together come apart again. */
const JITTER = 0.5;
const FIRST_MS = 5000;

/** Follows the root while a joined machine runs: policy, members, signature keys and certificates. */
export class RootFollower {
  readonly #stateDir: string;
  readonly #say: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> | undefined;
  #isStopped = false;
  #trouble: string | undefined;
  #followedAt: string | undefined;

  constructor(stateDir: string, say: (line: string) => void) {
    this.#stateDir = stateDir;
    this.#say = say;
  }

  start(): void {
    this.#plan(FIRST_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#following;
  }

  /** Always ready: what is in force here stays so without the root. */
  health(): PartHealth {
    const details = { followed_at: this.#followedAt ?? null };
    return { ready: true, ...(this.#trouble === undefined ? {} : { note: this.#trouble }), details };
  }

  #plan(afterMs: number): void {
    if (this.#isStopped) return;
    const afterWithJitterMs = afterMs * (1 + (Math.random() - JITTER) * JITTER);
    this.#timer = setTimeout(() => {
      this.#following = this.#follow().finally(() => this.#plan(EACH_MS));
    }, afterWithJitterMs);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #follow(): Promise<void> {
    try {
      // One that joined with an earlier version cannot ask, and is told to nobody each time.
      if (readJoinedFile(this.#stateDir) === undefined) {
        this.#trouble = "cannot ask the root for changes: join again with a new code, once";
        return;
      }
      const { followRoot } = await import("./follow-root.ts");
      const { outcome, changed, added, removed, certificate } = await followRoot(this.#stateDir, 0);
      this.#trouble = undefined;
      this.#followedAt = new Date().toISOString();
      if (outcome !== "taken") return;
      const nodes = [...changed, ...added.map((id) => `+${id}`), ...removed.map((id) => `-${id}`)];
      // The first answer of all names what the join has brought already.
      if (nodes.length === 0 && !certificate) return;
      const what = [...nodes, ...(certificate ? ["certificate"] : [])].join(", ");
      this.#say(`taken from the root: ${what}`);
    } catch (thrown) {
      const trouble = `does not follow the root: ${messageOf(thrown)}`;
      if (trouble !== this.#trouble) this.#say(trouble);
      this.#trouble = trouble;
    }
  }
}
