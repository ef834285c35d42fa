import { connect, NonRetryableError } from "@adaos/client";
import { TEXT_EVENT } from "../bench-registry.ts";
import { Tally } from "../report/tally.ts";
import { nowMs } from "../report/text.ts";
import type { FailWork } from "../workers/worker-protocol.ts";
import { type Role, tellProgress } from "./role.ts";

/** Every failure would log a line. */
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

export async function fail({ place, count }: FailWork, role: Role): Promise<void> {
  const bus = await connect({ as: `${place.to}/subscriber`, state: place.state, log: SILENT });
  const tally = new Tally(count);
  let broken = true;
  await bus.subscribe(TEXT_EVENT, { durable: place.receiver, maxConcurrency: 256 }, ({ data }) => {
    if (broken) throw new NonRetryableError("broken until it is mended");
    tally.take((data as { text: string }).text, nowMs());
    if (!tally.isComplete) return;
    const { firstMs, lastMs, latenciesMs, repeated } = tally;
    role.tell({ kind: "received", firstMs, lastMs, latenciesMs, repeated });
  });
  role.tell({ kind: "ready" });
  await role.go;
  broken = false;
  const stopTelling = tellProgress(role, count, () => tally.handled);
  role.tell({ kind: "warm" });
  await role.close;
  stopTelling();
  await bus.close();
}
