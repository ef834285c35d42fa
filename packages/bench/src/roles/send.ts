import { loadContender } from "../contenders.ts";
import { atRate, inWindow } from "../pace.ts";
import { formatText, nowMs, WARM_UP } from "../report/text.ts";
import { CodecMeter } from "../workers/codec-meter.ts";
import type { SendWork } from "../workers/worker-protocol.ts";
import { type Role, tellProgress } from "./role.ts";

export async function send(work: SendWork, role: Role): Promise<void> {
  const { contender, place, count, warmUp, bytes, perSecond, window, isMetered } = work;
  const sender = await (await loadContender(contender)).openSender(place);
  role.tell({ kind: "ready" });
  await inWindow(warmUp, window, () => sender.send(formatText({ index: WARM_UP, sentMs: nowMs() }, bytes)));
  role.tell({ kind: "warm" });
  await role.go;
  const meter =
    isMetered === true ? new CodecMeter(formatText({ index: 0, sentMs: nowMs() }, bytes)) : undefined;
  let sent = 0;
  const stopTelling = tellProgress(role, count, () => sent);
  const startedMs = nowMs();
  const sendOne = async (index: number): Promise<void> => {
    await sender.send(formatText({ index, sentMs: nowMs() }, bytes));
    sent++;
  };
  if (perSecond === undefined) await inWindow(count, window, sendOne);
  else await atRate(count, perSecond, sendOne);
  stopTelling();
  role.tell({ kind: "sent", startedMs, sentMs: nowMs(), spent: meter?.stop() });
  await role.close;
  await sender.close();
}
