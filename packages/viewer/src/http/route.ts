import type { EventMask } from "@adaos/operations";
import type { Layout } from "@adaos/provision";
import type { z } from "zod";
import type { Role } from "../access/roles.ts";
import type { Caller } from "../access/tokens.ts";
import type { JobRunner } from "../jobs/job-runner.ts";

/** What every route works with. */
export interface ViewerContext {
  readonly stateDir: string;
  /** The layout as it is now. Throws `usage` or `invalid-config`. */
  layout(): Layout;
  /** Masks values as the command line does. It is read again every few seconds. */
  mask(): Promise<EventMask>;
  readonly jobs: JobRunner;
  /** A line for the viewer's log. */
  say(line: string): void;
}

/**
 * One question or change of the API. The work is done by functions that a command uses too; a route parses, calls and
 * shapes.
 */
export interface Route<Input> {
  /** A question is a GET; everything else is a change and needs the role `operator`. */
  readonly method: "GET" | "POST" | "DELETE";
  /** `/api/dead-letters/:at/:seq`; a part with a colon is a key of the input. */
  readonly path: string;
  readonly role: Role;
  /** Checks the parts of the path, and the query of a GET (texts) or the JSON body of a change. */
  readonly input: z.ZodType<Input>;
  /** Resolves with the JSON of the answer. Rejects with a MeshError. */
  answer(input: Input, context: ViewerContext, caller: Caller): Promise<unknown>;
}

/** A route whose input is checked before use. */
export interface AnyRoute extends Omit<Route<unknown>, "answer"> {
  answer(input: unknown, context: ViewerContext, caller: Caller): Promise<unknown>;
}

/** Forgets the type of the input, so that routes can stand in one list. */
export function route<Input>(of: Route<Input>): AnyRoute {
  return { ...of, answer: (input, context, caller) => of.answer(of.input.parse(input), context, caller) };
}

/** A route that a request names, with the parts of its path; undefined for none. Pure. */
export function findRoute(
  routes: readonly AnyRoute[],
  method: string,
  path: string,
): { readonly route: AnyRoute; readonly parts: Readonly<Record<string, string>> } | undefined {
  const asked = path.split("/");
  for (const one of routes) {
    const wanted = one.path.split("/");
    if (one.method !== method || wanted.length !== asked.length) continue;
    const parts: Record<string, string> = {};
    const fits = wanted.every((part, i) => {
      const given = asked[i] ?? "";
      if (!part.startsWith(":")) return part === given;
      const text = decoded(given);
      if (text !== undefined && text !== "") parts[part.slice(1)] = text;
      return text !== undefined && text !== "";
    });
    if (fits) return { route: one, parts };
  }
  return undefined;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
