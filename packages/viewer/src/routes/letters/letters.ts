import { z } from "zod";
import type { Failures, Letter, LetterPlanAnswer, Letters } from "../../api/letters.ts";
import { type AnyRoute, route } from "../../http/route.ts";
import { listFailures } from "./failures.ts";
import { filterSchema, listSchema } from "./filter.ts";
import { eachLetter } from "./found.ts";
import { LetterPage } from "./letter-page.ts";
import { readLetter } from "./one-letter.ts";
import { selectionSchema, tellPlan } from "./plan.ts";

/** Reading ends there: an answer must come in time. */
const MAX_LETTERS_READ = 500_000;
const READ_LIMIT_MS = 40_000;

export const LETTER_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/dead-letters",
    role: "viewer",
    input: listSchema,
    async answer({ before, ...filter }, context): Promise<Letters> {
      const page = new LetterPage(before);
      const limitMs = performance.now() + READ_LIMIT_MS;
      let isCut = false;
      const away = await eachLetter(context, filter, {
        letter: (letter) => page.add(letter),
        isEnough: () => {
          isCut ||= page.total >= MAX_LETTERS_READ || performance.now() > limitMs;
          return isCut;
        },
      });
      return { ...page.answer(), away, is_cut: isCut };
    },
  }),
  route({
    method: "GET",
    path: "/api/dead-letters/failures",
    role: "viewer",
    input: filterSchema,
    answer: (filter, context): Promise<Failures> => listFailures(filter, context),
  }),
  route({
    method: "GET",
    path: "/api/dead-letters/:at/:place",
    role: "viewer",
    input: z.strictObject({ at: z.string().max(64), place: z.string().max(32) }),
    answer: (input, context): Promise<Letter> => readLetter(input, context),
  }),
  route({
    method: "POST",
    path: "/api/dead-letters/plan",
    role: "operator",
    input: selectionSchema,
    answer: (selection, context): Promise<LetterPlanAnswer> => tellPlan(selection, context),
  }),
];
