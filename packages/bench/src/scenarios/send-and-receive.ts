import type { Place } from "../contender.ts";
import type { Lab, ReadyContender } from "../lab.ts";
import { placeOf } from "../lab.ts";
import type { Measured, Turn } from "../scenario.ts";
import type { Spent } from "../workers/codec-meter.ts";
import type { SendWork, Told } from "../workers/worker-protocol.ts";
import type { About } from "./ways.ts";

/** A run that is about to begin. */
export interface Run {
  readonly contender: string;
  readonly place: Place;
}

/** A turn for each contender of a scenario on its mesh; the remains of a run are removed. */
export async function turnsOf(
  lab: Lab,
  { id, way }: Pick<About, "id" | "way">,
  measure: (run: Run) => Promise<readonly Measured[]>,
  receivers: readonly string[] = ["handler"],
): Promise<Turn[]> {
  const mesh = await lab.mesh();
  const turnOf = ({ name, contender, settings }: ReadyContender): Turn => ({
    contender: name,
    measure: async (run) => {
      const place = placeOf(mesh, way, run, settings);
      try {
        return await measure({ contender: name, place });
      } finally {
        for (const receiver of receivers) await contender.tidy?.({ ...place, receiver });
      }
    },
  });
  return (await lab.contendersOf(id)).map(turnOf);
}

/** The load of a run of texts. */
export type Load = Pick<SendWork, "count" | "warmUp" | "bytes" | "window" | "perSecond" | "isMetered">;

export interface Handled {
  /** From the first send to its last acknowledgement. */
  readonly sendMs: number;
  /** From the first send to the last handled text. */
  readonly allMs: number;
  readonly latenciesMs: readonly number[];
  /** Processor time, if the load is metered. */
  readonly sender: Spent | undefined;
  readonly receiver: Spent | undefined;
}

type Received = Extract<Told, { readonly kind: "received" }>;

/**
 * Sends from one process while another handles, for one receiver or several; each must handle every text.
 * @param onStart Called when both are warm and at rest.
 */
export async function sendAndReceive(
  lab: Lab,
  { contender, place }: Run,
  load: Load,
  receivers: readonly string[] = [place.receiver],
  onStart: () => void = () => undefined,
): Promise<Handled> {
  const { count, warmUp, bytes, isMetered } = load;
  const meteredBytes = isMetered === true ? bytes : undefined;
  const common = { contender, place };
  // The receivers first: a durable does not get earlier texts.
  const receive = { ...common, role: "receive", receivers, count, warmUp, meteredBytes } as const;
  return lab.withWorker(receive, async (receiving) => {
    await receiving.next("ready");
    return lab.withWorker({ ...common, role: "send", ...load }, async (sending) => {
      await sending.next("warm");
      await receiving.next("warm");
      onStart();
      sending.tell("go");
      const [{ startedMs, sentMs, spent: sender }, received] = await Promise.all([
        sending.next("sent"),
        receiving.next("received"),
      ]);
      sayRepeated(lab, contender, received);
      const { lastMs, latenciesMs, spent: receiver } = received;
      return { sendMs: sentMs - startedMs, allMs: lastMs - startedMs, latenciesMs, sender, receiver };
    });
  });
}

export function sayRepeated(lab: Lab, contender: string, { repeated }: Received): void {
  if (repeated > 0) lab.say(`${contender}: ${repeated} texts came more than once`);
}
