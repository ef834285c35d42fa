import { MeshError } from "@adaos/core";
import {
  durables,
  type KeptDeadLetter,
  LetterPlan,
  letterPlace,
  type OpenServer,
  operatorSignatures,
  type StoredReplays,
} from "@adaos/operations";
import { ReadingLimit } from "@adaos/transport-nats";
import { z } from "zod";
import type { Away, LetterPlanAnswer } from "../../api/letters.ts";
import type { ViewerContext } from "../../http/route.ts";
import { filterSchema, filterText, type ListFilter } from "./filter.ts";
import { eachLetter } from "./found.ts";

/** Letters of one job: their places are kept in memory and on disk. */
const MAX_LETTERS = 100_000;
const MAX_PLACES = 1000;
/** A purge goes on when so great a share of the counted letters is still there. */
const MIN_LEFT_SHARE = 0.9;
/** A plan must be told before its request is given up, or a job would begin that nobody expects. */
const PLAN_LIMIT_MS = 45_000;

const PLACE = /^[A-Za-z0-9_-]{1,64}\/(?:parked-)?\d{1,15}$/;
const MAX_PER_SECOND = 100_000;

/** The letters that a change is for: those of a filter, or some of them by place. */
export interface Selection {
  readonly kind: "replay" | "purge";
  readonly filter: ListFilter;
  readonly places?: readonly string[] | undefined;
}

/** A selection that is to become a job. */
export interface JobInput extends Selection {
  /** The count of the plan that the operator has seen. */
  readonly count: number;
  /** Letters a second. */
  readonly per_second?: number | undefined;
}

const place = z.string().regex(PLACE, "must be a place such as beta/17");
const selectionShape = {
  kind: z.enum(["replay", "purge"]),
  filter: filterSchema.default(() => ({})),
  places: z.array(place).min(1).max(MAX_PLACES).optional(),
} as const;

export const selectionSchema: z.ZodType<Selection> = z.strictObject(selectionShape);

export const jobInputSchema: z.ZodType<JobInput> = z.strictObject({
  ...selectionShape,
  count: z.number().int().nonnegative(),
  per_second: z.number().positive().max(MAX_PER_SECOND).optional(),
});

/** Lists the letters of a selection. Rejects with `too-large` when these are more than a job takes. */
export async function planLetters(
  { kind, filter, places }: Selection,
  context: ViewerContext,
): Promise<{ readonly plan: LetterPlan; readonly what: string; readonly away: readonly Away[] }> {
  const signatures = operatorSignatures(context.layout());
  const wanted = places === undefined ? undefined : new Set(places);
  const existing = new Set<string>();
  let replays: StoredReplays | undefined;
  const plan = new LetterPlan({
    kind,
    signatures,
    replays: { has: (letter) => replays?.has(letter) === true },
    durables: existing,
    maxLetters: MAX_LETTERS,
  });
  // Letters that the filter passes over take time as well.
  const limit = new ReadingLimit(Number.POSITIVE_INFINITY, PLAN_LIMIT_MS);
  const look = {
    withReplays: true,
    async hub(hub: OpenServer) {
      for await (const { node, durable } of durables(hub)) existing.add(`${hub.of}/${node} ${durable}`);
    },
    letter(letter: KeptDeadLetter, here: StoredReplays) {
      replays = here;
      if (wanted === undefined || wanted.has(letterPlace(letter))) plan.add(letter);
    },
  };
  const away = await limit.run(() => eachLetter(context, filter, look));
  if (limit.isReached) {
    const why = `counting takes more than ${PLAN_LIMIT_MS / 1000} s; narrow the letters by subnet or handler`;
    throw new MeshError("too-large", why);
  }
  const what =
    places === undefined
      ? filterText(filter)
      : `${places.length} chosen: ${places.slice(0, 5).join(", ")}${places.length > 5 ? " …" : ""}`;
  return { plan, what, away };
}

/** The plan as it is told before the operator decides. */
export async function tellPlan(selection: Selection, context: ViewerContext): Promise<LetterPlanAnswer> {
  const { plan, what, away } = await planLetters(selection, context);
  const { matched, letters, replayed, permanent, orphaned } = plan;
  return {
    ...{ kind: selection.kind, matched, count: letters.length, replayed, permanent, orphaned },
    refused: plan.refused().slice(0, 10),
    busy: context.jobs.busy(letters),
    ...{ what, away },
  };
}

/** Why a purge must be looked at again: it deletes for good, and what was counted has changed. Pure. */
export function purgeRefusal(counted: number, now: number): string | undefined {
  if (now > counted)
    return `the letters have grown from ${counted} to ${now} since they were counted; look at them again`;
  if (now < counted * MIN_LEFT_SHARE)
    return `of ${counted} letters that were counted only ${now} are left; look at them again`;
  return undefined;
}
