import type { Simulated, TimedInput } from "./simulate.ts";

/** `1h 5m`, `500ms`: how long after the start. Pure. */
export function sinceStart(atMs: number, startMs: number): string {
  const ms = atMs - startMs;
  if (ms < 0) return `${ms}ms`;
  const parts = [
    [Math.floor(ms / 86_400_000), "d"],
    [Math.floor(ms / 3_600_000) % 24, "h"],
    [Math.floor(ms / 60_000) % 60, "m"],
    [Math.floor(ms / 1000) % 60, "s"],
    [ms % 1000, "ms"],
  ].filter(([count]) => count !== 0);
  return parts.length === 0 ? "0s" : parts.map(([count, unit]) => `${count}${unit}`).join(" ");
}

const MAX_LINES = 200;

/** What has happened in a simulation, a line each, in order of time. Pure. */
export function timelineOf(
  inputs: readonly TimedInput[],
  { effects, ended, skips }: Simulated,
  startMs: number,
): string[] {
  const lines = [
    ...inputs.map(({ atMs, input }) => {
      const told = input.kind === "event" ? `event ${input.event.event_name}` : input.kind;
      return { atMs, text: `given ${told}` };
    }),
    ...skips.map(({ atMs, cause, reason, conditions }) => {
      const values = conditions.flatMap((one) => Object.entries(one.values));
      const shown = values.map(([path, value]) => `${path} = ${JSON.stringify(value)}`).join(", ");
      return { atMs, text: `nothing: ${cause} (${reason}${shown === "" ? "" : `; ${shown}`})` };
    }),
    ...effects.map(({ atMs, effect }) => {
      return { atMs, text: `${effect.kind} ${effect.event} ${JSON.stringify(effect.data)}` };
    }),
    ...ended.map(({ endedMs, outcome, reason }) => {
      return {
        atMs: endedMs ?? startMs,
        text: `run ${outcome}${reason === undefined ? "" : ` (${reason})`}`,
      };
    }),
  ];
  return lines
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(0, MAX_LINES)
    .map(({ atMs, text }) => `${sinceStart(atMs, startMs)} ${text}`);
}
