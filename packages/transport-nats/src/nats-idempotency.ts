import { DONE_ROOT, doneStream, type IdempotencyStore, MeshError, type NodeAddress } from "@adaos/core";
import { type Msg, nuid, type Subscription } from "nats";
import type { Connection } from "./connection.ts";
import { StreamPublisher } from "./stream-publisher.ts";

/** Longest wait for an answer, looked at once in so long. */
const ANSWER_MS = 3000;
const SWEEP_MS = 500;
/** Effects that happened here and could not be marked yet. */
const MAX_UNMARKED = 10_000;

interface Question {
  readonly askedMs: number;
  resolve(known: boolean): void;
  reject(error: MeshError): void;
}

/**
 * The idempotency store of one member: a mark per effect in a stream of its hub, shared by the node's processes. Looks
 * before the effect and marks after it. Uses a connection and does not own it.
 */
export class NatsIdempotencyStore implements IdempotencyStore {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #getSubject: string;
  readonly #publisher: StreamPublisher;
  readonly #inbox: string;
  #subscription: Subscription | undefined;
  readonly #questions = new Map<string, Question>();
  #asked = 0;
  #sweeper: NodeJS.Timeout | undefined;
  /** Done here, but the mark is not written: whoever brings the event again must not repeat the effect. */
  readonly #unmarked = new Set<string>();

  constructor(connection: Connection, { subnet, node }: NodeAddress) {
    this.#connection = connection;
    this.#prefix = `${DONE_ROOT}.${subnet}.${node}`;
    this.#getSubject = `$JS.API.DIRECT.GET.${doneStream(subnet)}.`;
    this.#publisher = new StreamPublisher(connection);
    this.#inbox = `${connection.inbox}.${nuid.next()}`;
    connection.listen({ onDisconnect: () => this.#fail("the connection was lost", () => true) });
  }

  async once(
    durable: string,
    key: string,
    effect: (transaction: unknown) => Promise<void>,
  ): Promise<boolean> {
    const subject = `${this.#prefix}.${durable}.${key}`;
    if (this.#unmarked.has(subject)) {
      await this.#mark(subject);
      return false;
    }
    if (await this.#isKnown(subject)) return false;
    await effect(undefined);
    await this.#mark(subject);
    return true;
  }

  /** An effect whose mark fails is remembered here, so that its redelivery only marks. */
  async #mark(subject: string): Promise<void> {
    try {
      // Under an id that nobody can foresee: who could would store something else under it first.
      await this.#publisher.publish({ subject, id: nuid.next(), headers: {}, body: new Uint8Array() });
      this.#unmarked.delete(subject);
    } catch (cause) {
      this.#unmarked.add(subject);
      if (this.#unmarked.size > MAX_UNMARKED) {
        for (const oldest of this.#unmarked) {
          this.#unmarked.delete(oldest);
          break;
        }
      }
      throw MeshError.from(cause, "unavailable", "the mark of a handled event cannot be stored");
    }
  }

  /** One message there and one back; no timer and no inbox of its own, since every event asks. */
  #isKnown(subject: string): Promise<boolean> {
    const { nc, connected } = this.#connection;
    if (!connected || nc.isClosed()) return Promise.reject(unavailable("the server is away"));
    this.#subscription ??= nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#onAnswer(msg);
      },
    });
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    return new Promise((resolve, reject) => {
      const token = (this.#asked++).toString(36);
      this.#questions.set(token, { askedMs: Date.now(), resolve, reject });
      nc.publish(`${this.#getSubject}${subject}`, undefined, { reply: `${this.#inbox}.${token}` });
    });
  }

  /** The mark itself, or that there is none. */
  #onAnswer(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1);
    const question = this.#questions.get(token);
    this.#questions.delete(token);
    const code = msg.headers?.code ?? 0;
    if (code === 0 || code === 404) return question?.resolve(code === 0);
    question?.reject(unavailable(`${code} ${msg.headers?.description ?? ""}`));
  }

  #sweep(): void {
    const sinceMs = Date.now() - ANSWER_MS;
    this.#fail(`no answer in ${ANSWER_MS} ms`, ({ askedMs }) => askedMs <= sinceMs);
    if (this.#questions.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #fail(reason: string, which: (question: Question) => boolean): void {
    for (const [token, question] of this.#questions) {
      if (!which(question)) continue;
      this.#questions.delete(token);
      question.reject(unavailable(reason));
    }
  }
}

function unavailable(reason: string): MeshError {
  return new MeshError("unavailable", `the hub does not tell which events were handled: ${reason}`);
}
