import { resolveStateDir } from "@adaos/config";
import { counted } from "@adaos/core/wire";
import {
  type Answered,
  askEach,
  type OpenServer,
  parseScenarioName,
  type ScenarioFilter,
  type ScenarioRequest,
  type Tally,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import type { StateOptions } from "../../../options/options.ts";
import { quietLog, type Terminal } from "../../../terminal/terminal.ts";
import { withHubs } from "../../events/failures/failure-options.ts";

/** Runs `use` with each hub of some scenarios, named as subnet/node/scenario; with every hub where none is named. */
export async function withHubsOf(
  names: readonly string[],
  options: StateOptions & { readonly at?: string },
  terminal: Terminal,
  use: (hub: OpenServer, filters: readonly ScenarioFilter[]) => Promise<void>,
): Promise<void> {
  if (names.length === 0) return withHubs(options, terminal, (hub) => use(hub, [{}]));
  const parsed = names.map(parseScenarioName);
  for (const subnet of new Set(parsed.map((name) => name.subnet))) {
    if (options.at !== undefined && options.at !== subnet) continue;
    const filters = parsed.filter((name) => name.subnet === subnet);
    await withHubs({ state: options.state, at: subnet }, terminal, (hub) => use(hub, filters));
  }
}

/** Asks each in turn. What is kept until a daemon runs its scenario again is told. */
export async function askAll(
  requests: readonly ScenarioRequest[],
  { state }: StateOptions,
  terminal: Terminal,
  tally: Tally,
): Promise<Answered> {
  const layout = readLayout(resolveStateDir(state));
  const answered = await askEach(layout, requests, tally, quietLog(terminal));
  const { kept, away } = answered;
  if (kept > 0)
    terminal.say(
      `${counted(kept, "request")} kept: the member's daemon takes it when it runs ${away.join(", ")} again`,
    );
  return answered;
}

/** `3 paused`, and what is kept. Pure. */
export function countsOf(word: string, { done, kept }: Answered): Readonly<Record<string, number>> {
  return kept === 0 ? { [word]: done } : { [word]: done, kept };
}
