import { loadContender } from "../contenders.ts";
import { Tally } from "../report/tally.ts";
import { formatText, nowMs } from "../report/text.ts";
import { CodecMeter } from "../workers/codec-meter.ts";
import type { ReceiveWork } from "../workers/worker-protocol.ts";
import { type Role, tellProgress } from "./role.ts";

export async function receive(work: ReceiveWork, role: Role): Promise<void> {
  const { contender, place, receivers, count, warmUp, meteredBytes } = work;
  const { openReceiver } = await loadContender(contender);
  const tallies = receivers.map(() => new Tally(count));
  const handled = (): number => tallies.reduce((sum, tally) => sum + tally.handled, 0);
  const stopTelling = tellProgress(role, count * receivers.length, handled);
  let meter: CodecMeter | undefined;
  let [isWarm, isDone] = [false, false];
  const look = (): void => {
    if (!isWarm && tallies.every((tally) => tally.warmedUp >= warmUp)) {
      isWarm = true;
      if (meteredBytes !== undefined)
        meter = new CodecMeter(formatText({ index: 0, sentMs: nowMs() }, meteredBytes));
      role.tell({ kind: "warm" });
    }
    if (isDone || !tallies.every((tally) => tally.isComplete)) return;
    isDone = true;
    stopTelling();
    role.tell({
      kind: "received",
      firstMs: Math.min(...tallies.map(({ firstMs }) => firstMs)),
      lastMs: Math.max(...tallies.map(({ lastMs }) => lastMs)),
      latenciesMs: tallies.flatMap(({ latenciesMs }) => latenciesMs),
      repeated: tallies.reduce((sum, { repeated }) => sum + repeated, 0),
      spent: meter?.stop(),
    });
  };
  const opening = tallies.map((tally, i) => {
    const onText = (text: string): void => {
      try {
        tally.take(text, nowMs());
      } catch (thrown) {
        role.tell({ kind: "failed", message: String(thrown) });
      }
      // Only a text that completes something is worth a check of all receivers.
      if (tally.isComplete || (!isWarm && tally.warmedUp >= warmUp)) look();
    };
    return openReceiver({ ...place, receiver: receivers[i] ?? place.receiver }, onText);
  });
  const closers = await Promise.all(opening);
  role.tell({ kind: "ready" });
  if (warmUp === 0) look();
  await role.close;
  stopTelling();
  await Promise.all(closers.map((close) => close()));
}
