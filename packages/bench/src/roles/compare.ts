import type { Sender } from "../contender.ts";
import { loadContender } from "../contenders.ts";
import { inWindow } from "../pace.ts";
import { formatText, nowMs, WARM_UP } from "../report/text.ts";
import type { CompareWork, PublishCost } from "../workers/worker-protocol.ts";
import { type Role, tellProgress } from "./role.ts";

export async function compare(work: CompareWork, role: Role): Promise<void> {
  const { place, count, warmUp, bytes, window } = work;
  const ours = await (await loadContender("adaos")).openSender(place);
  const raw = await (await loadContender("raw")).openSender(place);
  const both = [ours, raw] as const;
  const eachMs = new Map<Sender, number[]>(both.map((sender) => [sender, []]));
  let published = 0;
  const publish = async (sender: Sender): Promise<void> => {
    await sender.send(formatText({ index: WARM_UP, sentMs: nowMs() }, bytes));
    published++;
  };
  for (const sender of both) await inWindow(warmUp, window, () => publish(sender));
  role.tell({ kind: "ready" });
  await role.go;
  const stopTelling = tellProgress(role, 4 * count + 2 * warmUp, () => published);
  for (let i = 0; i < count; i++) {
    // In turns, each first as often as the other: the machine's other work affects both.
    for (const sender of i % 2 === 0 ? both : both.toReversed()) {
      const atMs = performance.now();
      await publish(sender);
      eachMs.get(sender)?.push(performance.now() - atMs);
    }
  }
  const costOf = async (sender: Sender): Promise<PublishCost> => {
    const before = process.cpuUsage();
    await inWindow(count, window, () => publish(sender));
    const { user, system } = process.cpuUsage(before);
    return { eachMs: eachMs.get(sender) ?? [], cpuMsPerPublish: (user + system) / 1000 / count };
  };
  const costs = { ours: await costOf(ours), raw: await costOf(raw) };
  stopTelling();
  role.tell({ kind: "compared", ...costs });
  await role.close;
  await Promise.all(both.map((sender) => sender.close()));
}
