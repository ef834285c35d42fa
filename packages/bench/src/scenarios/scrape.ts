import { readFileSync } from "node:fs";
import { join } from "node:path";
import { delay, EVENT_ROOT, eventsStream, memberConsumer } from "@adaos/core/wire";
import { AckPolicy } from "nats";
import type { BenchMesh } from "../bench-mesh.ts";
import { dialServer } from "../dial-server.ts";
import type { Lab } from "../lab.ts";
import { quantileOf } from "../report/statistics.ts";
import { type Measured, type Scenario, scaled, type Turn } from "../scenario.ts";

const SUBNET = "alpha";
const FEW = 10;
const MANY = 200;
const SCRAPES = 20;
/** An answer is repeated to whoever asks again within a second. */
const APART_MS = 1100;

const nameOf = (durables: number): string => `${durables} durables`;
const scrapes = (scale: number): number => scaled(SCRAPES, Math.min(scale, 1));

/** How long a collector waits for the metrics of a hub with few durables, and of one with many. */
export const scrape: Scenario = {
  id: "S12",
  title: "scrape of a hub",
  reference: nameOf(FEW),
  conditions: (scale) =>
    `${scrapes(scale)} scrapes of /metrics, ${APART_MS} ms apart, after a first one; no event flows`,
  prepare: async (lab) => {
    const turns: Turn[] = [];
    for (const durables of [FEW, MANY]) {
      const mesh = await lab.startMesh({ pairOnly: true });
      await addDurables(mesh, durables);
      turns.push({ contender: nameOf(durables), measure: () => measure(lab, mesh, durables) });
    }
    return turns;
  },
};

async function addDurables(mesh: BenchMesh, count: number): Promise<void> {
  const nc = await dialServer({ servers: mesh.servers() }, SUBNET);
  try {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    for (let i = 0; i < count; i++)
      await jsm.consumers.add(eventsStream(SUBNET), {
        durable_name: memberConsumer("subscriber", `scrape-${i}`),
        ack_policy: AckPolicy.Explicit,
        filter_subject: `${EVENT_ROOT}.>`,
      });
  } finally {
    await nc.close();
  }
}

async function measure(lab: Lab, mesh: BenchMesh, durables: number): Promise<Measured[]> {
  const file = join(mesh.state, "run", `${SUBNET}_hub.json`);
  const { statusUrl } = JSON.parse(readFileSync(file, "utf8")) as { readonly statusUrl: string };
  const tookMs: number[] = [];
  // The first loads what later ones have.
  for (let i = 0; i <= scrapes(lab.scale); i++) {
    await delay(APART_MS, lab.signal);
    lab.signal.throwIfAborted();
    const startMs = performance.now();
    const text = await (await fetch(`${statusUrl}/metrics`)).text();
    if (i > 0) tookMs.push(performance.now() - startMs);
    const told = text.match(/^adaos_durable_pending_events\{.*scrape-/gm)?.length;
    if (told !== durables) throw new Error(`the hub tells of ${told} durables instead of ${durables}`);
  }
  return [0.5, 0.95].map((share) => {
    return { metric: `p${share * 100}`, unit: "ms", value: quantileOf(tookMs, share) };
  });
}
