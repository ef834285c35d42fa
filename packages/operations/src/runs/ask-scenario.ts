import { type Logger, MeshError } from "@adaos/core";
import { delay, runChangedSubject } from "@adaos/core/wire";
import { type Asked, type StoredTriggers, stateKey, withAsked } from "@adaos/skills";
import { NatsDocuments } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import type { ScenarioName } from "./stored-runs.ts";
import { readState } from "./stored-shapes.ts";

/** `kept`: the member's daemon has not taken it yet; it will when it runs the scenario again. */
export type AskOutcome = "done" | "kept";

const TRIES = 20;
const TAKEN_MS = 5000;
const LOOK_MS = 100;
const MAX_APART_MS = 50;

/**
 * Asks something of a scenario: writes it into its document and tells its member. Waits for the member's daemon to take
 * it. Rejects with `usage` where no member has run such a scenario.
 * @param patienceMs How long to wait.
 */
export async function askScenario(
  { connection }: OpenServer,
  { subnet, node, scenario }: ScenarioName,
  asked: Asked,
  log: Logger,
  patienceMs: number = TAKEN_MS,
): Promise<AskOutcome> {
  const address = { subnet, node };
  const documents = new NatsDocuments(connection, address, log);
  const key = stateKey(scenario);
  for (let i = 0; ; i++) {
    const before = await documents.read(key);
    if (before === undefined || before.text === "")
      throw new MeshError(
        "usage",
        `${subnet}/${node} has run no scenario ${scenario}; adaos scenario list names those it has`,
      );
    if (readState(new TextEncoder().encode(before.text)) === undefined)
      throw new MeshError(
        "internal",
        `what ${subnet}/${node} has stored of ${scenario} is damaged, or of another version of this program`,
      );
    const text = withAsked(before.text, asked);
    if ((await documents.write([{ key, text, seq: before.seq }])) !== undefined) break;
    if (i === TRIES)
      throw new MeshError(
        "unavailable",
        `scenario ${scenario} changes too quickly; nothing was done, try again`,
      );
    // Its daemon writes at the same pace: another time may fall between two of its writes.
    await delay(Math.random() * MAX_APART_MS);
  }
  connection.nc.publish(runChangedSubject(address, scenario));
  const endMs = Date.now() + patienceMs;
  while (Date.now() < endMs) {
    const now = await documents.read(key);
    const state = JSON.parse(now?.text ?? "{}") as Partial<StoredTriggers>;
    if (state.asked?.some(({ id }) => id === asked.id) !== true) return "done";
    await delay(LOOK_MS);
  }
  return "kept";
}
