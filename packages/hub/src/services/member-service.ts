import { type Logger, MeshError } from "@adaos/core";
import {
  DEFAULT_DENY,
  type Denial,
  type Denials,
  type HubService,
  hubServiceSubject,
  PeerClocks,
  parseHubServiceSubject,
  programText,
  TokenBucket,
  whyApart,
} from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import { type Connection, clockIn, type HubRefusal, programHeaders, programIn } from "@adaos/transport-nats";
import type { Msg, Subscription } from "nats";

/** Answers a request of `node`, whose name the server has authenticated. Rejects with MeshError. */
export type AnswerMember = (node: string, request: unknown) => Promise<object>;

export interface MemberServiceOptions {
  readonly subnet: string;
  readonly connection: Connection;
  readonly answers: Readonly<Record<HubService, AnswerMember>>;
  /** Called at the start and after each reconnect to the server. */
  readonly restore: () => Promise<void>;
  readonly denials: Denials;
  readonly log: Logger;
}

/** No member needs more requests at a time; it repeats requests without an answer. */
const MAX_RUNNING_PER_MEMBER = 16;
/** No program of ours asks so often; further requests are dropped unread, and repeated by the member. */
const MAX_REQUESTS_PER_SECOND = 1000;
/** The largest request of our programs is far smaller; a timer brings the data of its event. */
const MAX_REQUEST_BYTES = 4096;
const MAX_BYTES_OF: Readonly<Partial<Record<HubService, number>>> = { timer: 65_536 };
const MAX_MESSAGE_LENGTH = 500;
/** A release of parked events may take minutes; other answers usually end earlier. */
const ANSWER_LIMIT_MS = 600_000;

/**
 * Hops of an event that a request stands for. Requests for parked events have none: their member may not know yet that
 * its durable is gone.
 */
const HOPS: Readonly<Partial<Record<HubService, Denial["hop"]>>> = {
  durable: "subscribe",
  handlers: "publish",
  reply: "reply",
  timer: "publish",
};

/** Listens for requests of members to their hub. The subject of a request names the member and the service. */
export class MemberService implements Part {
  readonly name = "members";
  readonly #options: MemberServiceOptions;
  #subscription: Subscription | undefined;
  #unlisten: (() => void) | undefined;
  #answered = 0;
  readonly #running = new Map<string, number>();
  readonly #rounds = new Rounds(ANSWER_LIMIT_MS);
  /** Programs of the members, as their last requests told. */
  readonly #programs = new Map<string, string>();
  readonly #clocks = new PeerClocks();
  /** By member: the server has authenticated the names, so there are no more entries than members. */
  readonly #asking = new Map<string, TokenBucket>();

  constructor(options: MemberServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.restore();
    // A restarted server has read its file, which may be older than the latest grants.
    this.#unlisten = this.#options.connection.listen({ onReconnect: () => void this.#restoreAgain() });
    this.#subscription = this.#options.connection.nc.subscribe(hubServiceSubject("*", "*"), {
      callback: (error, msg) => {
        if (error === null) void this.#onRequest(msg);
      },
    });
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    this.#subscription?.unsubscribe();
  }

  health(): PartHealth {
    const programs = Object.fromEntries(this.#programs);
    const details = {
      answered: this.#answered,
      denied: this.#options.denials.total,
      programs,
      clocks: this.#clocks.off(),
    };
    return this.#options.connection.connected
      ? { ready: true, details }
      : { ready: false, reason: "the server is away", details };
  }

  /** The time since the last answer, while any request is unanswered. */
  progress(): Progress {
    return this.#rounds.progress;
  }

  async #onRequest(msg: Msg): Promise<void> {
    const asked = parseHubServiceSubject(msg.subject);
    if (asked === undefined) return;
    const { node, service } = asked;
    const running = this.#running.get(node) ?? 0;
    if (running >= MAX_RUNNING_PER_MEMBER || !this.#mayAsk(node)) return;
    if (this.#running.size === 0) this.#rounds.done();
    this.#running.set(node, running + 1);
    try {
      const answer = this.#refuseApart(node, msg) ?? (await this.#answer(node, service, msg.data));
      this.#answered++;
      if (!this.#options.connection.nc.isClosed())
        msg.respond(JSON.stringify(answer), { headers: programHeaders() });
    } catch (err) {
      // No request of a member may end the hub.
      this.#options.log.error({ node, service, err }, "member not answered");
    } finally {
      const left = (this.#running.get(node) ?? 1) - 1;
      if (left > 0) this.#running.set(node, left);
      else this.#running.delete(node);
      if (this.#running.size === 0) this.#rounds.rest();
      else this.#rounds.done();
    }
  }

  #mayAsk(node: string): boolean {
    const bucket = this.#asking.get(node) ?? new TokenBucket(MAX_REQUESTS_PER_SECOND);
    this.#asking.set(node, bucket);
    if (bucket.available(performance.now()) < 1) return false;
    bucket.spend(1);
    return true;
  }

  /** Notes the member's program and clock, and refuses one that speaks another protocol. */
  #refuseApart(node: string, msg: Msg): HubRefusal | undefined {
    const program = programIn(msg);
    this.#clocks.noteRequest(node, clockIn(msg));
    if (program !== undefined) this.#programs.set(node, programText(program));
    const message = whyApart(`${this.#options.subnet}/${node}`, program);
    return message === undefined ? undefined : { error: { code: "unavailable", message } };
  }

  async #answer(node: string, service: HubService, body: Uint8Array): Promise<object> {
    let request: unknown;
    try {
      request = parseJson(body, MAX_BYTES_OF[service] ?? MAX_REQUEST_BYTES);
      return await this.#options.answers[service](node, request);
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", `the hub cannot answer for ${service}`);
      const { code, rule } = error;
      const hop = HOPS[service];
      if (code === "denied" && hop !== undefined) {
        this.#options.denials.note(denialOf(`${this.#options.subnet}/${node}`, hop, request, error));
      }
      // It may quote the request.
      const message = error.message.slice(0, MAX_MESSAGE_LENGTH);
      this.#options.log.warn({ node, service, code, reason: message, rule }, "member refused");
      const refusal: HubRefusal = { error: { code, message, ...(rule === undefined ? {} : { rule }) } };
      return refusal;
    }
  }

  async #restoreAgain(): Promise<void> {
    try {
      await this.#options.restore();
    } catch (err) {
      this.#options.log.warn({ err }, "grants not restored");
    }
  }
}

function parseJson(body: Uint8Array, maxBytes: number): unknown {
  if (body.length > maxBytes) {
    throw new MeshError("usage", `the request is ${body.length} bytes, the limit is ${maxBytes}`);
  }
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new MeshError("usage", "the request is not JSON", { cause });
  }
}

/** The denial of a member's request to its hub. */
function denialOf(node: string, hop: Denial["hop"], request: unknown, error: MeshError): Denial {
  const { pattern, subject, timer } = (request ?? {}) as {
    readonly pattern?: unknown;
    readonly subject?: unknown;
    readonly timer?: { readonly event?: { readonly name?: unknown } };
  };
  return {
    hop,
    node,
    event: String(pattern ?? subject ?? timer?.event?.name ?? "unknown"),
    rule: error.rule ?? DEFAULT_DENY,
    reason: error.message,
  };
}
