import type { HandlersReply } from "./hub-requests.ts";

/** For so long it is believed that a command is answered here: a durable is seldom taken away. */
const BELIEVED_MS = 1000;
/** Subjects of one node's commands; beyond that all are asked for anew. */
const MAX_SUBJECTS = 1000;

type Handlers = HandlersReply["handlers"];

interface Known {
  readonly handlers: Promise<Handlers>;
  /** Before it is answered, as many wait for it as ask. */
  untilMs: number;
}

/**
 * What the hub tells of who handles a command. Requests in flight share one question, and so do those of a second: a
 * hub has other things to do, and drops what a member asks beyond its share. Only that there is a handler is
 * remembered: where there is none, one may have come, and policy may have closed the way to another subnet since.
 */
export class KnownHandlers {
  readonly #ask: (subject: string) => Promise<Handlers>;
  readonly #known = new Map<string, Known>();

  constructor(ask: (subject: string) => Promise<Handlers>) {
    this.#ask = ask;
  }

  /** Rejects as the question does. */
  of(subject: string): Promise<Handlers> {
    const known = this.#known.get(subject);
    if (known !== undefined && performance.now() < known.untilMs) return known.handlers;
    if (this.#known.size >= MAX_SUBJECTS) this.#known.clear();
    const asked: Known = { handlers: this.#ask(subject), untilMs: Number.POSITIVE_INFINITY };
    this.#known.set(subject, asked);
    const end = (believedMs: number): void => {
      asked.untilMs = performance.now() + believedMs;
    };
    asked.handlers.then(
      (handlers) => end(handlers === "some" ? BELIEVED_MS : 0),
      () => end(0),
    );
    return asked.handlers;
  }
}
