import { connect } from "@adaos/client";
import { atRate } from "../pace.ts";
import { nowMs } from "../report/text.ts";
import type { LoadWork } from "../workers/worker-protocol.ts";
import { type Role, tellProgress } from "./role.ts";

export async function load({ place, count, perSecond }: LoadWork, role: Role): Promise<void> {
  const bus = await connect({ as: `${place.from}/kitchen`, state: place.state });
  role.tell({ kind: "ready" });
  await role.go;
  let sent = 0;
  const stopTelling = tellProgress(role, count, () => sent);
  const startedMs = nowMs();
  await atRate(count, perSecond, async (index) => {
    await bus.publish("ui.notify", { text: `notification ${index} of the benchmark` });
    sent++;
  });
  stopTelling();
  role.tell({ kind: "sent", startedMs, sentMs: nowMs() });
  await role.close;
  await bus.close();
}
