import { CHANGE_KINDS, gatherTimeline } from "@adaos/operations";
import { describeNode, MeshWatch } from "@adaos/supervise";
import { z } from "zod";
import type { MeshMap, NodeAnswer, Timeline } from "../../api/mesh.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { KeptAnswers } from "../kept-answers.ts";

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const MAX_HOURS = 31 * DAY_HOURS;
const MAX_CHANGES = 300;
/** The page asks every few seconds, and a time line reads every stream. */
const TIMELINE_MS = 4000;

/** What a viewer remembers between two questions. */
interface Remembered {
  readonly watch: MeshWatch;
  readonly timelines: KeptAnswers<Timeline>;
}

const remembered = new WeakMap<ViewerContext, Remembered>();

function rememberedBy(context: ViewerContext): Remembered {
  const known = remembered.get(context) ?? {
    watch: new MeshWatch(context.stateDir),
    timelines: new KeptAnswers<Timeline>(TIMELINE_MS),
  };
  remembered.set(context, known);
  return known;
}

const kind = z.enum(CHANGE_KINDS);

export const MESH_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/mesh",
    role: "viewer",
    input: z.strictObject({}),
    answer: (_, context): Promise<MeshMap> => rememberedBy(context).watch.map(context.layout()),
  }),
  route({
    method: "GET",
    path: "/api/mesh/node",
    role: "viewer",
    input: z.strictObject({ id: z.string().max(200) }),
    async answer({ id }, context): Promise<NodeAnswer> {
      const layout = context.layout();
      const isHere = layout.nodes.some((node) => node.id === id);
      const [durables, node] = await Promise.all([
        rememberedBy(context).watch.durablesOf(layout, id),
        isHere ? describeNode(layout, context.stateDir, id) : undefined,
      ]);
      return { durables, ...(node === undefined ? {} : { node }) };
    },
  }),
  route({
    method: "GET",
    path: "/api/mesh/changes",
    role: "viewer",
    input: z.strictObject({
      hours: z.coerce.number().positive().max(MAX_HOURS).default(DAY_HOURS),
      /** Once, or several times. */
      kind: z
        .union([kind.transform((one) => [one]), z.array(kind).max(CHANGE_KINDS.length)])
        .default([...CHANGE_KINDS]),
    }),
    answer: ({ hours, kind: kinds }, context): Promise<Timeline> =>
      rememberedBy(context).timelines.get(`${hours} ${kinds.toSorted().join(" ")}`, () =>
        gatherTimeline(context.layout(), context.stateDir, {
          sinceMs: Date.now() - hours * HOUR_MS,
          kinds,
          limit: MAX_CHANGES,
        }),
      ),
  }),
];
