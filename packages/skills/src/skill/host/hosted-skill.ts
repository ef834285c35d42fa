import type { HandlerContext, Skill, SkillContext, SkillEvent, SkillHandler } from "../define.ts";
import {
  type FromSkill,
  type LOG_LEVELS,
  MAX_LINE_BYTES,
  type ToldError,
  type ToSkill,
} from "../protocol/messages.ts";
import { toldError } from "../protocol/told-error.ts";

type Send = (message: FromSkill) => void;
type Asked = Omit<Extract<FromSkill, { type: "publish" | "request" }>, "id">;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Of a log line; the daemon keeps no more. */
const MAX_LOG_MESSAGE = 8192;
const MAX_EVENT = 300;
const MAX_KEY = 512;

/** A delivery whose handler runs. */
interface Running {
  readonly controller: AbortController;
  /** Calls that are not answered yet; the delivery waits for them, awaited or not. */
  readonly pending: Set<Promise<void>>;
  /** The error of a call that the handler did not await. */
  missed?: { readonly error: unknown };
}

/** A skill's module within its process: its handlers, their context, and what they wait for. */
export class HostedSkill {
  readonly #name: string;
  readonly #skill: Skill;
  readonly #send: Send;
  readonly #running = new Map<number, Running>();
  readonly #waiting = new Map<number, Waiting>();
  /** The deliveries of errors with which calls have rejected. */
  readonly #deliveryOf = new WeakMap<object, Running>();
  #lastId = 0;

  /** Throws where the module is no skill's. */
  constructor(name: string, module: unknown, send: Send) {
    this.#name = name;
    this.#skill = skillOf(module);
    this.#send = send;
  }

  /** Resolves with the names of the handlers. */
  async start(): Promise<readonly string[]> {
    await this.#skill.start?.(this.#context(undefined));
    return Object.keys(this.#skill.handlers);
  }

  async stop(): Promise<void> {
    for (const { controller } of this.#running.values()) controller.abort(new Error("the skill stops"));
    await this.#skill.stop?.();
  }

  take(message: ToSkill): void {
    if (message.type === "event") void this.#handle(message);
    if (message.type === "cancel")
      this.#running.get(message.id)?.controller.abort(new Error("its time is up"));
    if (message.type !== "result") return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ("error" in message) waiting?.reject(errorOf(message.error));
    else waiting?.resolve(message.value as never);
  }

  /** Whether an error that nobody awaited is that of a delivery, which fails by it. */
  isOfDelivery(thrown: unknown): boolean {
    const running = typeof thrown === "object" && thrown !== null ? this.#deliveryOf.get(thrown) : undefined;
    if (running === undefined) return false;
    running.missed ??= { error: thrown };
    return true;
  }

  async #handle({ id, handler, attempt, event }: Extract<ToSkill, { type: "event" }>): Promise<void> {
    const running: Running = { controller: new AbortController(), pending: new Set() };
    this.#running.set(id, running);
    try {
      const handle = this.#skill.handlers[handler];
      if (handle === undefined) throw new TypeError(`the skill has no handler for ${handler}`);
      const context = this.#context({ id, running, attempt });
      const value = await handle(event as SkillEvent<never>, context as HandlerContext);
      await this.#afterAll(running);
      this.#sendDone(id, event.kind === "command" ? (value ?? null) : undefined);
    } catch (thrown) {
      this.#send({ type: "failed", id, error: toldError(thrown) });
    } finally {
      this.#running.delete(id);
    }
  }

  /** A line that is too long would end the process, and with it the other handlers. */
  #sendDone(id: number, value: unknown): void {
    const message: FromSkill = { type: "done", id, ...(value === undefined ? {} : { value }) };
    const problem = lengthProblem(message);
    if (problem !== undefined)
      throw errorOf({ name: "MeshError", code: "too-large", message: `the reply ${problem}` });
    this.#send(message);
  }

  /** A publish that nobody awaits belongs to the delivery all the same. */
  async #afterAll(running: Running): Promise<void> {
    if (running.pending.size > 0) {
      await Promise.all(running.pending);
      // Node reports a rejection that nobody awaits after the current turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (running.missed !== undefined) throw running.missed.error;
  }

  #context(
    delivery: { readonly id: number; readonly running: Running; readonly attempt: number } | undefined,
  ): SkillContext | HandlerContext {
    const of = delivery === undefined ? {} : { delivery: delivery.id };
    const ask = (asked: Asked): Promise<never> => this.#ask(asked, delivery?.running);
    return {
      skill: this.#name,
      log: this.#log(),
      publish: (event, data, { key } = {}) =>
        ask({ type: "publish", event, data, ...of, ...(key === undefined ? {} : { key }) }),
      request: (event, data, { timeoutMs } = {}) =>
        ask({
          type: "request",
          event,
          data,
          ...of,
          ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }),
        }),
      ...(delivery === undefined
        ? {}
        : { attempt: delivery.attempt, signal: delivery.running.controller.signal }),
    };
  }

  #ask(asked: Asked, running: Running | undefined): Promise<never> {
    const id = ++this.#lastId;
    const message = { ...asked, id } as FromSkill;
    const wrong = argumentProblem(asked);
    if (wrong !== undefined)
      return Promise.reject(errorOf({ name: "MeshError", code: "usage", message: wrong }));
    const problem = lengthProblem(message);
    if (problem !== undefined) {
      const told = `${asked.event} ${problem}`;
      return Promise.reject(errorOf({ name: "MeshError", code: "too-large", message: told }));
    }
    let settle = (): void => undefined;
    if (running !== undefined) {
      const settled = new Promise<void>((resolve) => {
        settle = () => {
          running.pending.delete(settled);
          resolve();
        };
      });
      running.pending.add(settled);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, {
        resolve: (value) => {
          resolve(value);
          settle();
        },
        reject: (error) => {
          if (running !== undefined) this.#deliveryOf.set(error, running);
          reject(error);
          settle();
        },
      });
      this.#send(message);
    });
  }

  #log(): SkillContext["log"] {
    const write = (level: (typeof LOG_LEVELS)[number]) => (message: string, fields?: unknown) => {
      const line = { type: "log", level, message: String(message).slice(0, MAX_LOG_MESSAGE) } as const;
      const whole = { ...line, ...fieldsOf(fields) };
      this.#send(lengthProblem(whole) === undefined ? whole : line);
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }
}

function skillOf(module: unknown): Skill {
  const { handlers, start, stop, default: whole } = module as Partial<Skill> & { default?: Partial<Skill> };
  const skill = handlers === undefined ? whole : { handlers, start, stop };
  const found = skill?.handlers;
  if (skill === undefined || typeof found !== "object" || found === null)
    throw new TypeError(
      'the module exports no handlers; write: export const handlers = { "ui.notify@1": … }',
    );
  for (const [event, handler] of Object.entries(found) as [string, SkillHandler | undefined][]) {
    if (typeof handler !== "function") throw new TypeError(`the handler of ${event} is no function`);
  }
  return skill as Skill;
}

/** What is wrong with the arguments of a call. The daemon would take the message for garbage, and end the process. */
function argumentProblem(asked: Asked): string | undefined {
  const { event, key } = asked;
  if (typeof event !== "string" || event.length > MAX_EVENT)
    return 'the event must be a text: publish("ui.notify@1", { … })';
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > MAX_KEY))
    return `key of ${event} must be a text of 1 to ${MAX_KEY} characters`;
  if ("timeout_ms" in asked && !Number.isFinite(asked.timeout_ms))
    return `timeoutMs of ${event} must be a number`;
  return undefined;
}

function lengthProblem(message: FromSkill): string | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(message));
  return bytes > MAX_LINE_BYTES ? `has ${bytes} bytes, the limit is ${MAX_LINE_BYTES}` : undefined;
}

/** The fields of a log line. Programs in JavaScript pass texts and lists, too. */
function fieldsOf(value: unknown): { readonly fields?: Readonly<Record<string, unknown>> } {
  if (value === undefined || value === null) return {};
  const isMap = typeof value === "object" && !Array.isArray(value);
  return { fields: isMap ? (value as Readonly<Record<string, unknown>>) : { value } };
}

/** An error of the mesh, with its `code`. */
function errorOf({ name, message, code }: ToldError): Error {
  const error = new Error(message);
  error.name = name;
  return Object.assign(error, code === undefined ? {} : { code });
}
