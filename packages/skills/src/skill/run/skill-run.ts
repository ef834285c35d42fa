import { type Envelope, type HandlerContext, MeshError, RetryableError } from "@adaos/core";
import { within } from "@adaos/core/wire";
import type { SkillDefinition, SkillFile } from "../file/read-skill.ts";
import { planLaunch } from "../process/launch.ts";
import { placeIn, SkillProcess } from "../process/skill-process.ts";
import { type AskedRequest, type FromSkill, PROTOCOL_VERSION, type ToldError } from "../protocol/messages.ts";
import { toldError } from "../protocol/told-error.ts";
import { Deliveries, idWithin } from "./deliveries.ts";
import { skillComponent } from "./names.ts";
import { declaredRef } from "./rights.ts";
import type { SkillLogSink, SkillPort } from "./skill-port.ts";

/** Longest time from the start of a process until it is ready. */
const START_MS = 10_000;
/** Publishes and requests of one process that are not answered yet; more are refused. */
const MAX_IN_FLIGHT = 1000;
/** Longest time for a process that cannot load its skill to end. */
const BROKEN_MS = 1000;

/** How a run ended. `refused`: only another file or policy helps. */
export interface RunEnd {
  readonly why: string;
  readonly isRefused: boolean;
}

/** One process of a skill, from its start to its end. */
export class SkillRun {
  readonly #file: SkillFile;
  readonly #skill: SkillDefinition;
  readonly #port: SkillPort;
  readonly #log: SkillLogSink;
  readonly #deliveries = new Deliveries();
  readonly #process: SkillProcess;
  #inFlight = 0;
  #end: RunEnd | undefined;
  #onReady = (_: readonly string[]): void => undefined;
  #broken: ToldError | undefined;
  #isRefused = false;

  /** Throws where the process cannot be planned. */
  constructor(file: SkillFile, skill: SkillDefinition, port: SkillPort, log: SkillLogSink) {
    this.#file = file;
    this.#skill = skill;
    this.#port = port;
    this.#log = log;
    const launch = planLaunch(skill, file.folder, port.runtime);
    this.#process = new SkillProcess(launch, skill.memoryMb, {
      onMessage: (message) => this.#take(message),
      onOutput: (from, line) => log.write(from === "stderr" ? "warn" : "info", from, line),
      onEnd: (ended) => {
        const why = this.#broken === undefined ? ended : brokenText(this.#broken, this.#process.lastLines);
        this.#end = { why, isRefused: this.#isRefused };
        this.#deliveries.failAll(why);
      },
    });
    if (this.#process.pid !== undefined) port.onStarted?.(this.#process.pid);
  }

  get process(): Pick<SkillProcess, "pid" | "memoryBytes" | "kill"> {
    return this.#process;
  }

  get inHand(): number {
    return this.#deliveries.size;
  }

  /** Resolves with whether it can take events; if not, the process has ended or is about to. */
  async start(): Promise<boolean> {
    const handlers = await this.#untilReady();
    if (handlers === undefined) return false;
    const problem = this.#handlersProblem(handlers);
    if (problem !== undefined) this.refuse(problem);
    return problem === undefined;
  }

  /** Gives an event to its handler. Rejects with what the handler throws. */
  pass(durable: string, handler: string, event: Envelope, context: HandlerContext): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(new RetryableError(this.#end.why));
    return this.#deliveries.pass(this.#process, { durable, handler }, event, context);
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<RunEnd> {
    await this.#process.ended;
    return this.#end ?? { why: "its process has ended", isRefused: this.#isRefused };
  }

  /** Ends the process for a reason that another start would not cure. */
  refuse(why: string): void {
    this.#isRefused = true;
    this.#process.kill(why);
  }

  /** Lets handlers finish for a while, then ends the process. */
  async stop(why: string, graceMs: number): Promise<void> {
    await within(this.#deliveries.idle(), graceMs);
    await this.#process.stop(why);
  }

  #untilReady(): Promise<readonly string[] | undefined> {
    return new Promise((resolve) => {
      const limit = setTimeout(() => {
        const what = this.#skill.program.kind === "module" ? "its module" : "its command";
        this.#process.kill(`${what} was not ready after ${START_MS / 1000} s; do long work after the start`);
      }, START_MS);
      const end = (handlers: readonly string[] | undefined): void => {
        clearTimeout(limit);
        resolve(handlers);
      };
      this.#onReady = end;
      void this.#process.ended.then(() => end(undefined));
      const { name, topics, publish } = this.#skill;
      this.#process.send({
        type: "start",
        protocol: PROTOCOL_VERSION,
        skill: name,
        subscribe: topics.map(({ pattern }) => pattern.text),
        publish: publish.map(({ text }) => text),
      });
    });
  }

  #handlersProblem(handlers: readonly string[]): string | undefined {
    const declared = this.#skill.topics.map(({ pattern }) => pattern.text);
    const unhandled = declared.findIndex((text) => !handlers.includes(text));
    if (unhandled >= 0)
      return `${this.#file.placeOf(["events", "subscribe", unhandled])} ${declared[unhandled]} has no handler; write one of this name, or remove the event here`;
    const undeclared = handlers.find((text) => !declared.includes(text));
    if (undeclared === undefined) return undefined;
    return `${this.#file.placeOf(["events", "subscribe"])} lacks ${undeclared}, which has a handler; add it here, or remove the handler`;
  }

  #take(message: FromSkill): void {
    switch (message.type) {
      case "ready":
        return this.#onReady(message.handlers);
      case "broken":
        this.#broken = message.error;
        // It ends by itself, and tells its log why.
        return void setTimeout(() => this.#process.kill("it cannot be loaded"), BROKEN_MS).unref();
      case "done":
      case "failed":
        return void this.#deliveries.settle(this.#process, message);
      case "log":
        return this.#log.write(message.level, "skill", message.message, message.fields);
      case "publish":
        return void this.#answer(message, (asked) => this.#publish(asked));
      case "request":
        return void this.#answer(message, (asked) => this.#request(asked));
    }
  }

  /** Does what the skill asks for and sends it the result. Never rejects. */
  async #answer(asked: AskedRequest, act: (asked: AskedRequest) => Promise<unknown>): Promise<void> {
    const { id } = asked;
    try {
      if (this.#inFlight >= MAX_IN_FLIGHT)
        throw new MeshError(
          "backpressure",
          `${MAX_IN_FLIGHT} calls of the skill are not answered yet; await them`,
        );
      this.#inFlight++;
      try {
        this.#process.send({ type: "result", id, value: await act(asked) });
      } finally {
        this.#inFlight--;
      }
    } catch (thrown) {
      const { stack: _, ...error } = toldError(thrown);
      this.#process.send({ type: "result", id, error });
    }
  }

  #publish(asked: AskedRequest): Promise<unknown> {
    const ref = declaredRef(this.#skill, asked.event, (name) => this.#port.newest(name));
    const component = skillComponent(this.#skill.name);
    return this.#within(asked, async (eventId) => {
      const published = await this.#port.bus.publish(ref, asked.data, {
        component,
        ...(eventId === undefined ? {} : { eventId }),
      });
      return { eventId: published.eventId };
    });
  }

  #request(asked: AskedRequest): Promise<unknown> {
    const ref = declaredRef(this.#skill, asked.event, (name) => this.#port.newest(name));
    const component = skillComponent(this.#skill.name);
    const { timeout_ms: timeoutMs } = asked;
    return this.#within(asked, (eventId) =>
      this.#port.bus.request(ref, asked.data, {
        component,
        ...(eventId === undefined ? {} : { eventId }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }),
    );
  }

  /** Acts in the scope of the delivery that the call belongs to, if any. */
  async #within(
    asked: AskedRequest,
    act: (eventId: string | undefined) => Promise<unknown>,
  ): Promise<unknown> {
    if (asked.delivery === undefined) return act(undefined);
    const delivery = this.#deliveries.of(asked.delivery);
    if (delivery === undefined)
      throw new MeshError("closed", `${asked.event} belongs to an event that is no longer handled`);
    const eventId = idWithin(delivery, asked.event, asked);
    const acting = delivery.scope.runInAsyncScope(() => act(eventId));
    delivery.pending.add(acting);
    try {
      return await acting;
    } finally {
      delivery.pending.delete(acting);
    }
  }
}

/** A skill that could not be loaded: file, line and error. */
function brokenText({ name, message, stack = "" }: ToldError, printed: readonly string[]): string {
  const at = placeIn(stack.split("\n")) ?? placeIn(printed);
  const missing = message.split("\nRequire stack")[0] ?? message;
  return `it cannot be loaded: ${at === undefined ? "" : `${at} `}${name}: ${missing.slice(0, 500)}`;
}
