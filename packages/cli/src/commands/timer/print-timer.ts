import type { TimerInfo } from "@adaos/core";
import { visibleText } from "@adaos/core/wire";
import { durationText, whenText } from "@adaos/operations";
import { table } from "../../terminal/terminal.ts";

export function nameText({ node, name }: TimerInfo): string {
  return `${node}/${name}`;
}

/** One timer, a line for each thing to be known of it. Pure. */
export function timerLines(timer: TimerInfo): string[] {
  const { skipped, jitter_ms, overlap, catch_up, within_ms, until, times, last } = timer;
  const rows: [string, string][] = [
    ["timer", nameText(timer)],
    ["event", timer.event],
    ["fires", whenText(timer)],
    ["next", timer.next ?? timer.state],
    ["overlap", overlap],
    ["catch-up", `${catch_up} within ${durationText(within_ms)}`],
  ];
  if (jitter_ms > 0) rows.push(["jitter", `up to ${durationText(jitter_ms)}`]);
  if (until !== undefined) rows.push(["until", until]);
  if (times !== undefined) rows.push(["times", String(times)]);
  rows.push(["declared", timer.declared ? "in the mesh file" : "no"]);
  rows.push(["fired", `${timer.fired}, of them ${timer.late} late, ${timer.caught_up} caught up`]);
  const left = Object.entries(skipped).filter(([, count]) => count > 0);
  rows.push(["skipped", left.length === 0 ? "0" : left.map(([why, count]) => `${count} ${why}`).join(", ")]);
  if (last !== undefined) rows.push(["last", `${last.scheduled_at} ${last.event_id}`]);
  return table(rows).map((line) => visibleText(line));
}
