import type { HandlersReply } from "./hub-requests.ts";

/** For this long a known handler is trusted to exist: a durable is seldom removed. */
const BELIEVED_MS = 1000;
/** Subjects of one node's commands; beyond that each command asks anew. */
const MAX_SUBJECTS = 1000;

type Handlers = HandlersReply["handlers"];

interface Known {
  readonly handlers: Promise<Handlers>;
  /** Infinite until it is answered, so that all callers share the question. */
  untilMs: number;
}

/**
 * Caches the hub's answer to the question which handlers a command has. Concurrent requests share one question, and so
 * do those of a second: a hub is busy, and drops a member's requests beyond its share. Only the presence of a handler
 * is cached. One that is absent may have come, and policy may have closed the way to another subnet since.
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
