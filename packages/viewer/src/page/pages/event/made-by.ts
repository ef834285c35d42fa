/** What has published an event by itself, and where the page Behaviour shows it. */
export interface Maker {
  readonly kind: "timer" | "scenario";
  /** As people call it: `hour`. */
  readonly title: string;
  /** The query of the page Behaviour. */
  readonly query: Readonly<Record<string, string>>;
}

/**
 * The timer or scenario that has made an event. Its headers name it, and its subject names the member whose it is:
 * `evt.alpha.kitchen.timer.tick.v1` with the header `timer` is of `alpha/kitchen/hour`. Pure.
 */
export function madeBy(source: unknown, headers: unknown, subject: string): Maker | undefined {
  const told = (typeof headers === "object" && headers !== null ? headers : {}) as Record<string, unknown>;
  const from = typeof source === "string" ? source : "";
  const [, subnet, node] = subject.split(".");
  if (subnet === undefined || node === undefined) return undefined;
  const { timer, scenario_ring: ring } = told;
  if (from.startsWith("timer@") && typeof timer === "string" && timer !== "")
    return { kind: "timer", title: timer, query: { tab: "timers", timer: `${subnet}/${node}/${timer}` } };
  // The ring names the scenarios that have caused each other, the oldest first.
  const scenario = typeof ring === "string" ? (ring.split(" ").at(-1) ?? "") : "";
  if (from.startsWith("scenario@") && scenario !== "")
    return {
      kind: "scenario",
      title: scenario,
      query: { tab: "scenarios", scenario: `${subnet}/${node}/${scenario}` },
    };
  return undefined;
}
