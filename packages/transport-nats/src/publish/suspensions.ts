import { MeshError } from "@adaos/core";
import type { Connection } from "../connection/connection.ts";
import { askHub, type BudgetReply } from "../services/hub-requests.ts";

/** For this long, publishes reject without a new question to the hub that has suspended them. */
const BELIEVED_MS = 1000;
/** A refusal this soon after a suspension still counts as part of it. */
const RECENT_MS = 5000;

interface Known {
  readonly error: MeshError;
  readonly believedUntilMs: number;
  readonly recentUntilMs: number;
}

/**
 * Distinguishes a member that has written too much from one that has no right to write. The server's refusal is the
 * same for both, so the member asks its hub. While the hub has suspended the member, nothing more is sent.
 */
export class Suspensions {
  readonly #connection: Connection;
  readonly #node: string;
  /** By the first token of subjects. */
  readonly #known = new Map<string, Known>();
  #asking: Promise<BudgetReply> | undefined;

  constructor(connection: Connection, node: string) {
    this.#connection = connection;
    this.#node = node;
  }

  /**
   * Publishes to a subject. Rejects with `backpressure` when the hub has suspended that, with `unavailable` when the
   * hub does not say; else as `publish` does.
   */
  guard<T>(subject: string, publish: () => Promise<T>): Promise<T> {
    const root = subject.slice(0, subject.indexOf("."));
    const known = this.#known.get(root);
    if (known !== undefined && performance.now() < known.believedUntilMs) return Promise.reject(known.error);
    return publish().catch(async (thrown: unknown) => {
      if (!(thrown instanceof MeshError) || thrown.code !== "denied") throw thrown;
      throw await this.#explain(root, thrown);
    });
  }

  async #explain(root: string, denial: MeshError): Promise<MeshError> {
    const nowMs = performance.now();
    const known = this.#known.get(root);
    // Many publishes are refused together: only one of them asks.
    if (known !== undefined && nowMs < known.believedUntilMs) return known.error;
    try {
      this.#asking ??= askHub<BudgetReply>(this.#connection, this.#node, "budget", {}).finally(() => {
        this.#asking = undefined;
      });
      const { suspended } = await this.#asking;
      const found = suspended.find((one) => one.root === root);
      if (found === undefined)
        return known !== undefined && nowMs < known.recentUntilMs ? known.error : denial;
      const { reason, retryAfterMs } = found;
      const error = new MeshError("backpressure", `${reason}; try again in ${Math.ceil(retryAfterMs)} ms`);
      const believedUntilMs = performance.now() + Math.min(retryAfterMs, BELIEVED_MS);
      this.#known.set(root, { error, believedUntilMs, recentUntilMs: believedUntilMs + RECENT_MS });
      return error;
    } catch (cause) {
      const what = "the server refused it, and the hub does not say whether for good";
      return new MeshError("unavailable", what, { cause });
    }
  }
}
