import { setTimeout as delay } from "node:timers/promises";
import { MeshError } from "@adaos/core";
import type { Contender, Place } from "./contender.ts";
import { CONTENDERS } from "./contenders.ts";

/** What a worker is told to do, in its first argument. */
export interface Work {
  readonly role: "send" | "receive";
  readonly contender: string;
  readonly place: Place;
  readonly count: number;
  /** @default as fast as the window lets it */
  readonly perSecond?: number;
  /** Sends that are not answered yet, at a time. */
  readonly window: number;
}

/** What it tells its parent. Times are milliseconds since the epoch, with fractions. */
export type Told =
  | { readonly ready: true }
  | { readonly startedMs: number; readonly sentMs: number }
  | { readonly lastMs: number; readonly latenciesMs: readonly number[] };

const PADDING = "x".repeat(60);

const nowMs = (): number => performance.timeOrigin + performance.now();

function tell(told: Told): void {
  process.send?.(told);
}

async function contenderOf(name: string): Promise<Contender> {
  const entry = CONTENDERS[name];
  if (entry === undefined) throw new MeshError("usage", `no contender ${name}`);
  return entry.load();
}

async function receive({ contender, place, count }: Work): Promise<void> {
  const latenciesMs: number[] = [];
  await (await contenderOf(contender)).openReceiver(place, (text) => {
    const atMs = nowMs();
    latenciesMs.push(atMs - Number(text.split(" ")[0]));
    if (latenciesMs.length === count) tell({ lastMs: atMs, latenciesMs });
  });
  tell({ ready: true });
}

async function send({ contender, place, count, perSecond, window }: Work): Promise<void> {
  const sender = await (await contenderOf(contender)).openSender(place);
  tell({ ready: true });
  await new Promise((resolve) => process.once("message", resolve));
  const startedMs = nowMs();
  const open = new Set<Promise<unknown>>();
  for (let i = 0; i < count; i++) {
    if (perSecond !== undefined) {
      const waitMs = startedMs + (i * 1000) / perSecond - nowMs();
      if (waitMs > 1) await delay(waitMs);
    }
    const sent: Promise<unknown> = sender.send(`${nowMs()} ${PADDING}`).finally(() => open.delete(sent));
    open.add(sent);
    if (open.size >= window) await Promise.race(open);
  }
  await Promise.all(open);
  tell({ startedMs, sentMs: nowMs() });
  await sender.close();
}

const work = JSON.parse(process.argv[2] ?? "{}") as Work;
process.once("disconnect", () => process.exit());
await (work.role === "send" ? send(work) : receive(work));
