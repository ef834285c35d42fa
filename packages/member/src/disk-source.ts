import { marksBytes, outboxSize } from "@adaos/client";
import { type Family, type Figure, figureFamilies } from "@adaos/core/wire";
import type { MetricSource, OpenNode } from "@adaos/daemon";

/**
 * Metrics of a member's outboxes and marks on this machine's disk, of its daemon and programs together. Programs have
 * no port, and cannot report to their hub while it is away.
 */
export function diskSource({ config, path }: Pick<OpenNode<"member">, "config" | "path">): MetricSource {
  const { outbox, idempotency } = config;
  const marks = idempotency.place === "member" ? idempotency.dir : undefined;
  const outboxFigures = async (): Promise<Figure[]> => {
    if (outbox === undefined) return [];
    const { events, bytes } = await outboxSize(path(outbox.dir));
    return [
      ...(events === undefined ? [] : [{ metric: "diskOutboxEvents", value: events } satisfies Figure]),
      { metric: "diskOutboxBytes", value: bytes },
    ];
  };
  const marksFigures = async (): Promise<Figure[]> =>
    marks === undefined ? [] : [{ metric: "diskMarksBytes", value: await marksBytes(path(marks)) }];
  return {
    name: "disk",
    read: async (): Promise<readonly Family[]> =>
      figureFamilies((await Promise.all([outboxFigures(), marksFigures()])).flat()),
  };
}
