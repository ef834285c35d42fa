import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../../api/error.ts";
import { readToken } from "./token.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined | readonly string[]>>;

/** An answer of the API that is an error. */
export class AskError extends Error {
  readonly status: number;
  readonly code: string;
  readonly error: ApiError;

  constructor(status: number, error: ApiError) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.error = error;
  }
}

/** Asks the API: `ask<Session>("/api/session")`. Rejects with {@link AskError}. */
export function ask<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return send<T>("GET", path + queryText(query), undefined, signal);
}

/** Asks for a change. Rejects with {@link AskError}. */
export function change<T>(method: "POST" | "DELETE", path: string, body: object = {}): Promise<T> {
  return send<T>(method, path, body, undefined);
}

/** The query of an address, with its `?`; undefined and empty values are left out. */
export function queryText(query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value])
      if (one !== undefined && one !== "") params.append(key, String(one));
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

async function send<T>(
  method: string,
  path: string,
  body: object | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${readToken()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    throw new AskError(0, {
      code: "unavailable",
      message: "the viewer does not answer; adaos status tells why",
    });
  }
  const answer = (await response.json().catch(() => ({}))) as { readonly error?: ApiError };
  if (response.ok) return answer as T;
  throw new AskError(
    response.status,
    answer.error ?? { code: "internal", message: `status ${response.status}` },
  );
}

/** A question of a page, and its answer so far. */
export interface Asked<T> {
  /** The last good answer. */
  readonly answer: T | undefined;
  /** Why the last question got no answer. */
  readonly error: AskError | undefined;
  readonly isAsking: boolean;
  again(): void;
}

/**
 * Asks when the page opens, when path or query change, and every `everyMs` unless an answer is still awaited. An
 * undefined path asks nothing. An answer to an older question is thrown away; a hidden page does not ask.
 */
export function useAsk<T>(path: string | undefined, query: Query = {}, everyMs?: number): Asked<T> {
  const [state, setState] = useState<{
    answer?: T | undefined;
    error?: AskError | undefined;
    isAsking: boolean;
  }>({
    isAsking: path !== undefined,
  });
  const [turn, setTurn] = useState(0);
  const address = path === undefined ? undefined : path + queryText(query);
  const last = useRef(address);
  const isAwaited = useRef(false);
  useEffect(() => {
    if (address === undefined) return setState({ isAsking: false });
    const gone = new AbortController();
    // Rows of another question would be mistaken for the answer to this one.
    const isOther = last.current !== address;
    last.current = address;
    setState((before) => ({ ...(isOther ? {} : before), isAsking: true }));
    isAwaited.current = true;
    const ended = send<T>("GET", address, undefined, gone.signal).finally(() => {
      if (!gone.signal.aborted) isAwaited.current = false;
    });
    ended.then(
      (answer) => !gone.signal.aborted && setState({ answer, isAsking: false }),
      (thrown: unknown) => {
        if (gone.signal.aborted) return;
        const error =
          thrown instanceof AskError
            ? thrown
            : new AskError(0, { code: "internal", message: String(thrown) });
        setState((before) => ({ answer: before.answer, error, isAsking: false }));
      },
    );
    return () => gone.abort();
  }, [address, turn]);
  const again = useCallback(() => setTurn((count) => count + 1), []);
  useEffect(() => {
    if (everyMs === undefined || address === undefined) return;
    const timer = setInterval(() => {
      // Asking again would throw the answer away, so a slow server would never be heard.
      if (document.visibilityState === "visible" && !isAwaited.current) again();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, address]);
  return { answer: state.answer, error: state.error, isAsking: state.isAsking, again };
}
