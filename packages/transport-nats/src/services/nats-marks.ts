import { type Marks, MeshError } from "@adaos/core";
import { doneStream, MAX_MARK_BYTES, markSubject, type NodeAddress, randomId } from "@adaos/core/wire";
import type { Msg, Subscription } from "nats";
import { type Connection, isCluster } from "../connection/connection.ts";
import { StreamPublisher } from "../publish/stream-publisher.ts";

/** Longest wait for an answer; a check runs at this interval. */
const ANSWER_MS = 3000;
const SWEEP_MS = 500;
/** Most keys in one question; a request of some 10 KB. */
const MAX_TOGETHER = 128;

const NOTHING = new Uint8Array();

/** nats-server's error code for a stream without such a message. */
const NO_MESSAGE = 10_037;
/** Stands for an answer that cannot be read. */
const NO_ANSWER = 500;

interface Question {
  readonly subject: string;
  resolve(known: boolean): void;
  reject(error: MeshError): void;
}

/** Questions that were sent to the server together. */
interface Asked {
  readonly askedMs: number;
  readonly questions: readonly Question[];
}

/**
 * Marks of one member in its own stream at its hub. For a node with processes on several machines, or with a disk that
 * does not last. Uses a connection and does not own it.
 *
 * All questions of one turn of the event loop become one: is any of these marked? Nearly always none is, and that is
 * the whole answer. Otherwise it asks for each alone. It asks for first deliveries too, because a delivery may wrongly
 * appear to be the first. That happens when an event is published anew, its durable is recreated, or a killed server
 * has lost its count.
 */
export class NatsMarks implements Marks {
  readonly #connection: Connection;
  readonly #node: NodeAddress;
  readonly #isCluster: boolean;
  readonly #getSubject: string;
  readonly #publisher: StreamPublisher;
  readonly #inbox: string;
  #subscription: Subscription | undefined;
  #toAsk: Question[] = [];
  readonly #asked = new Map<string, Asked>();
  #count = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(connection: Connection, node: NodeAddress) {
    this.#connection = connection;
    this.#node = node;
    // Of a cluster any server would answer, also one that does not have the newest marks yet: ask the one that leads.
    this.#isCluster = isCluster(connection);
    const verb = this.#isCluster ? "STREAM.MSG.GET" : "DIRECT.GET";
    this.#getSubject = `$JS.API.${verb}.${doneStream(node)}`;
    // Each mark has its own subject: their order does not matter.
    this.#publisher = new StreamPublisher(connection, { isOrdered: false, maxMessageBytes: MAX_MARK_BYTES });
    this.#inbox = connection.newInbox();
    connection.listen({ onDisconnect: () => this.#fail("the connection was lost", () => true) });
  }

  has(durable: string, key: string): Promise<boolean> {
    return this.#isKnown(markSubject(this.#node, durable, key));
  }

  async mark(durable: string, key: string): Promise<void> {
    const subject = markSubject(this.#node, durable, key);
    try {
      await this.#publisher.publish({ subject, id: randomId(), headers: {}, body: NOTHING });
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", "the mark of a handled event cannot be stored");
    }
  }

  #isKnown(subject: string): Promise<boolean> {
    const { nc, connected } = this.#connection;
    if (!connected || nc.isClosed()) return Promise.reject(unavailable("the server is away"));
    return new Promise((resolve, reject) => {
      if (this.#toAsk.push({ subject, resolve, reject }) === 1) setImmediate(() => this.#askAll());
    });
  }

  #askAll(): void {
    const toAsk = this.#toAsk;
    this.#toAsk = [];
    const together = this.#isCluster ? 1 : MAX_TOGETHER;
    for (let i = 0; i < toAsk.length; i += together) this.#ask(toAsk.slice(i, i + together));
  }

  /** Uses no inbox and no timer of its own for a question, since every event asks. */
  #ask(questions: readonly Question[]): void {
    const { nc, connected } = this.#connection;
    if (!connected || nc.isClosed()) return refuse(questions, "the server is away");
    this.#subscription ??= nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#onAnswer(msg);
      },
    });
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    const token = (this.#count++).toString(36);
    this.#asked.set(token, { askedMs: performance.now(), questions });
    const subjects = questions.map(({ subject }) => subject);
    const request = JSON.stringify(
      this.#isCluster ? { last_by_subj: subjects[0] } : { multi_last: subjects },
    );
    nc.publish(this.#getSubject, request, { reply: `${this.#inbox}.${token}` });
  }

  /**
   * One of the marks, or the answer that there is none: the servers let only the first message of an answer through.
   */
  #onAnswer(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1);
    const questions = this.#asked.get(token)?.questions ?? [];
    this.#asked.delete(token);
    const code = msg.headers?.code || (this.#isCluster ? errorCodeIn(msg) : 0);
    if (code === 404) for (const { resolve } of questions) resolve(false);
    else if (code !== 0) refuse(questions, `${code} ${msg.headers?.description ?? ""}`);
    else if (questions.length === 1) questions[0]?.resolve(true);
    else for (const question of questions) this.#ask([question]);
  }

  #sweep(): void {
    const sinceMs = performance.now() - ANSWER_MS;
    this.#fail(`no answer in ${ANSWER_MS} ms`, ({ askedMs }) => askedMs <= sinceMs);
    if (this.#asked.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #fail(reason: string, which: (asked: Asked) => boolean): void {
    for (const [token, asked] of this.#asked) {
      if (!which(asked)) continue;
      this.#asked.delete(token);
      refuse(asked.questions, reason);
    }
  }
}

/** Code of the error in an answer of the leader; 0 for one with a message. That the stream is missing is no 404. */
function errorCodeIn(msg: Msg): number {
  try {
    const { error } = msg.json<{ readonly error?: { readonly code?: number; readonly err_code?: number } }>();
    if (error?.code === 404) return error.err_code === NO_MESSAGE ? 404 : (error.err_code ?? NO_ANSWER);
    return error?.code ?? 0;
  } catch {
    return NO_ANSWER;
  }
}

function refuse(questions: readonly Question[], reason: string): void {
  for (const { reject } of questions) reject(unavailable(reason));
}

function unavailable(reason: string): MeshError {
  return new MeshError("unavailable", `the hub does not say which events were handled: ${reason}`);
}
