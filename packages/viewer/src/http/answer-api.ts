import type { IncomingMessage, ServerResponse } from "node:http";
import { MeshError, type MeshErrorCode } from "@adaos/core";
import { MAX_JSON_DEPTH, messageOf, visibleJson, within } from "@adaos/core/wire";
import { ReadingLimit } from "@adaos/transport-nats";
import { z } from "zod";
import { isAllowed } from "../access/roles.ts";
import type { Caller } from "../access/tokens.ts";
import type { ApiError, CutAnswer } from "../api/error.ts";
import { type AnyRoute, findRoute, route, type ViewerContext } from "./route.ts";

/** A change may carry one event. */
const MAX_BODY_BYTES = 1_048_576;
/** Longest time of one answer; a longer task is a job. */
const ANSWER_LIMIT_MS = 60_000;
/** Of streams, for one answer: half a minute of reading at most. */
const MAX_READ = 1_000_000;
const READ_LIMIT_MS = 40_000;
const CUT = `reading ended after ${MAX_READ} messages or ${READ_LIMIT_MS / 1000} s, so the rest is missing here; ask for a shorter time, one subnet or less`;
/** Answers at the same time. Each may read whole streams. */
const MAX_AT_ONCE = 16;
/** Of these, for one holder of a token: he may not keep the others from being answered. */
const MAX_OF_HOLDER = 8;
/** Work that has not ended by then is taken for lost. */
const PLACE_LIMIT_MS = 300_000;

const STATUS: Readonly<Record<MeshErrorCode, number>> = {
  usage: 400,
  "invalid-event": 422,
  "unknown-event": 422,
  "too-large": 413,
  unavailable: 503,
  "no-handler": 503,
  timeout: 504,
  backpressure: 429,
  closed: 503,
  internal: 500,
  failed: 500,
  denied: 403,
  "invalid-config": 500,
};

/** Answers requests of `/api/` by the routes. */
export class ApiAnswerer {
  readonly #routes: readonly AnyRoute[];
  readonly #context: ViewerContext;
  /** Whose answers are under way. */
  readonly #places = new Set<{ readonly holder: string }>();

  constructor(routes: readonly AnyRoute[], context: ViewerContext) {
    this.#routes = [...routes, listing(routes)];
    this.#context = context;
  }

  /**
   * Answers a request whose host and origin are ours. Never rejects.
   * @param callerOf Throws `denied` where the request has no good token.
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    callerOf: () => Caller,
  ): Promise<void> {
    try {
      const caller = authenticated(callerOf);
      const found = findRoute(this.#routes, request.method ?? "GET", url.pathname);
      if (found === undefined) throw new HttpError(404, "usage", "the API has no such path");
      const { route: asked, parts } = found;
      if (!isAllowed(caller.role, asked.role))
        throw new HttpError(
          403,
          "denied",
          `this needs a token of role ${asked.role}: adaos view --role operator`,
        );
      const leave = this.#takePlace(caller);
      const answer = async (): Promise<unknown> => {
        const given = asked.method === "GET" ? queryOf(url) : await readBody(request);
        return asked.answer({ ...given, ...parts }, this.#context, caller);
      };
      // A change limits its own reading: it must not act on a part as if that were all.
      const limit = asked.method === "GET" ? new ReadingLimit(MAX_READ, READ_LIMIT_MS) : undefined;
      const work = limit === undefined ? answer() : limit.run(answer);
      const ended = (): void => undefined;
      // What is given up as too late reads on, so it keeps its place.
      void within(work.then(ended, ended), PLACE_LIMIT_MS).finally(leave);
      const answered = (await inTime(work)) ?? {};
      const cut: CutAnswer = limit?.isReached === true ? { read_cut: CUT } : {};
      sendJson(response, 200, { ...answered, ...cut });
    } catch (thrown) {
      if (!(thrown instanceof MeshError) && !(thrown instanceof HttpError) && !(thrown instanceof z.ZodError))
        this.#context.say(`${request.method} ${url.pathname}: ${messageOf(thrown)}`);
      sendError(response, thrown);
    }
  }

  /** Returns what gives the place back. Throws `backpressure`. */
  #takePlace({ role, name }: Caller): () => void {
    const place = { holder: `${role} ${name}` };
    const own = [...this.#places].filter(({ holder }) => holder === place.holder).length;
    if (own >= MAX_OF_HOLDER || this.#places.size >= MAX_AT_ONCE)
      throw new HttpError(503, "backpressure", `${this.#places.size} answers are under way; ask again`);
    this.#places.add(place);
    return () => void this.#places.delete(place);
  }
}

/** `GET /api`: every path, and the role that it needs. */
function listing(routes: readonly AnyRoute[]): AnyRoute {
  return route({
    method: "GET",
    path: "/api",
    role: "viewer",
    input: z.strictObject({}),
    answer: async () => ({ paths: routes.map(({ method, path, role }) => ({ method, path, role })) }),
  });
}

/** An error whose status does not follow from its code. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: MeshErrorCode;

  constructor(status: number, code: MeshErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function sendError(response: ServerResponse, thrown: unknown): void {
  const [status, error] = errorOf(thrown);
  if (response.headersSent) return void response.destroy();
  // The rest of a body that nobody read must not be taken for the next request.
  response.setHeader("connection", "close");
  if (status === 401) response.setHeader("www-authenticate", "Bearer");
  sendJson(response, status, { error });
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  });
  response.end(`${visibleJson(body)}\n`);
}

function errorOf(thrown: unknown): readonly [status: number, error: ApiError] {
  if (thrown instanceof HttpError) return [thrown.status, { code: thrown.code, message: thrown.message }];
  if (thrown instanceof z.ZodError) {
    const message = thrown.issues
      .map(({ path, message: why }) => `${path.join(".") || "request"}: ${why}`)
      .join("; ");
    return [400, { code: "usage", message: message.slice(0, 2000) }];
  }
  const { code, message, rule, violations } = MeshError.from(thrown, "internal", "this is a bug in adaos");
  return [
    STATUS[code],
    {
      code,
      message,
      ...(rule === undefined ? {} : { rule }),
      ...(violations.length === 0 ? {} : { violations }),
    },
  ];
}

/** No token and a bad token are 401; a role that does not suffice is 403. */
export function authenticated(callerOf: () => Caller): Caller {
  try {
    return callerOf();
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code !== "denied") throw thrown;
    throw new HttpError(401, "denied", thrown.message);
  }
}

/** A repeated key is a list. */
function queryOf(url: URL): Record<string, unknown> {
  const query: Record<string, unknown> = {};
  for (const key of new Set(url.searchParams.keys())) {
    const all = url.searchParams.getAll(key);
    query[key] = all.length === 1 ? all[0] : all;
  }
  return query;
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES)
      throw new MeshError("too-large", `a request has at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MeshError("usage", `the body is not JSON: ${messageOf(cause)}`, { cause });
  }
  // Whoever walks it further would run out of stack.
  if (isDeeper(value, MAX_JSON_DEPTH))
    throw new MeshError("usage", `the body is nested deeper than ${MAX_JSON_DEPTH}`);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new MeshError("usage", "the body is a JSON object");
}

function isDeeper(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return limit <= 0 || Object.values(value).some((inner) => isDeeper(inner, limit - 1));
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const ended = await within(
    work.then((answer) => ({ answer })),
    ANSWER_LIMIT_MS,
  );
  if (ended !== undefined) return ended.answer;
  throw new MeshError("timeout", `no answer within ${ANSWER_LIMIT_MS / 1000} s; ask for less`);
}
