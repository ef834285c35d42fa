import { MeshError } from "@adaos/core";
import { deadLetterStream, delay } from "@adaos/core/wire";
import {
  AuditTrail,
  changeLetters,
  deadLetters,
  failedAgain,
  hubServers,
  type KeptDeadLetter,
  letterPlace,
  nextEventPlace,
  type OpenServer,
  operatorSignatures,
  readReplays,
  StoredReplays,
  unsettledDurables,
  withServers,
} from "@adaos/operations";
import { type Layout, readLayout, type ServerLayout } from "@adaos/provision";
import type { JobReport, JobRun, JobWork, SettlingReport } from "./job-work.ts";

/** Handlers that retry may take long; the page tells which have not ended by then. */
const SETTLE_LIMIT_MS = 600_000;
const SETTLE_POLL_MS = 500;

/** Replays or deletes dead letters, with a record in the audit trail. */
export class LetterWork implements JobWork {
  readonly #stateDir: string;
  readonly #say: (line: string) => void;

  constructor(stateDir: string, say: (line: string) => void) {
    this.#stateDir = stateDir;
    this.#say = say;
  }

  async change(run: JobRun, report: JobReport): Promise<void> {
    const { job, plan, who, signal } = run;
    const layout = readLayout(this.#stateDir);
    const subnets = subnetsOf(run);
    const action = `events.dlq.${job.kind}`;
    const act = { action, what: `${job.what} (${job.id})`, subnets, by: `${who} by viewer` };
    await new AuditTrail(this.#stateDir, this.#say).record(act, async (tally) => {
      let [done, failed] = [0, 0];
      const end: JobReport["end"] = (letterId, error) => {
        if (error === undefined) done++;
        else failed++;
        tally(done, failed);
        report.end(letterId, error);
      };
      let [before, gone] = [0, 0];
      await withServers(serversOf(layout, subnets), async (hub) => {
        if (run.isResumed) {
          const past = await doneBefore(hub, run);
          [before, gone] = [before + past.done, gone + past.gone];
          report.before(before, gone);
        }
        if (!signal.aborted) await changeAt(hub, layout, run, end);
      });
      // The record tells that it is not all of the plan.
      if (signal.aborted && before + gone + done + failed < plan.letters.length)
        throw new MeshError("closed", `ended after ${done + failed} letters of ${plan.letters.length}`);
    });
  }

  async settle({ plan, signal }: JobRun, report: SettlingReport): Promise<void> {
    const layout = readLayout(this.#stateDir);
    const keys = new Set(plan.letters.map(({ replayKey }) => replayKey));
    const wanted = new Set(plan.letters.map(({ node, durable }) => `${node} ${durable}`));
    const limitMs = performance.now() + SETTLE_LIMIT_MS;
    const subnets = subnetsOf({ plan });
    const unsettled = new Map<string, readonly string[]>();
    await withServers(serversOf(layout, subnets), async (hub) => {
      const before = await nextEventPlace(hub);
      let next = plan.nextPlaces[hub.of] ?? 1;
      for (;;) {
        // A dead letter is stored before its event is settled, so this order misses none.
        unsettled.set(hub.of, await unsettledDurables(hub, wanted, before));
        report.unsettled([...unsettled.values()].flat());
        for await (const { eventId, letterId, kept, message } of failedAgain(hub, keys, next)) {
          next = kept + 1;
          const place = letterPlace({ subnet: hub.of, stream: deadLetterStream(hub.of), kept });
          report.again(eventId, { letter_id: letterId, message: message.slice(0, 300), place });
        }
        if (unsettled.get(hub.of)?.length === 0 || signal.aborted || performance.now() > limitMs) return;
        await delay(SETTLE_POLL_MS, signal);
      }
    });
  }
}

function subnetsOf({ plan }: Pick<JobRun, "plan">): string[] {
  return [...new Set(plan.letters.map(({ subnet }) => subnet))];
}

function serversOf(layout: Layout, subnets: readonly string[]): readonly ServerLayout[] {
  return subnets.flatMap((subnet) => hubServers(layout, subnet));
}

/** The letters of the plan at one hub, by place, with their ids. */
function lettersAt(hub: OpenServer, { plan }: JobRun): ReadonlyMap<string, string> {
  const here = plan.letters.filter(({ subnet }) => subnet === hub.of);
  return new Map(here.map(({ stream, kept, letterId }) => [`${stream} ${kept}`, letterId]));
}

function isIn(letters: ReadonlyMap<string, string>, { stream, kept, entry }: KeptDeadLetter): boolean {
  return letters.get(`${stream} ${kept}`) === entry.dead_letter_id;
}

async function changeAt(hub: OpenServer, layout: Layout, run: JobRun, end: JobReport["end"]): Promise<void> {
  const { job, signal } = run;
  const letters = lettersAt(hub, run);
  // A replay that was cut short may have stored events whose letters are still there.
  const replays = job.kind === "replay" ? await readReplays(hub) : new StoredReplays();
  await changeLetters(hub, operatorSignatures(layout), {
    kind: job.kind,
    filter: {},
    isMeant: (letter) => isIn(letters, letter),
    isStored: ({ entry }) => replays.has(entry),
    perSecond: job.per_second,
    signal,
    onEnd: ({ entry }, error) => end(entry.dead_letter_id, error),
  });
}

/** The letters of the plan at one hub that are no longer there: by this job, or by somebody else. */
async function doneBefore(hub: OpenServer, run: JobRun): Promise<{ done: number; gone: number }> {
  const letters = lettersAt(hub, run);
  const there = new Set<string>();
  for await (const letter of deadLetters(hub))
    if (isIn(letters, letter)) there.add(`${letter.stream} ${letter.kept}`);
  const replays = run.job.kind === "replay" ? await readReplays(hub) : undefined;
  let [done, gone] = [0, 0];
  for (const { subnet, stream, kept, replayKey } of run.plan.letters) {
    if (subnet !== hub.of || there.has(`${stream} ${kept}`)) continue;
    if (replays === undefined || replays.hasKey(replayKey)) done++;
    else gone++;
  }
  return { done, gone };
}
