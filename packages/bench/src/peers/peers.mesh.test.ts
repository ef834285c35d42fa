import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { delay } from "@adaos/core/wire";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Contender, ContenderEntry, Place, Sender } from "../contender.ts";
import { PEERS } from "./peers.ts";

const COUNT = 300;
const LIMIT_MS = 30_000;

const numbers = (from: number): string[] => Array.from({ length: COUNT }, (_, i) => String(from + i));

async function sendAll(sender: Sender, texts: readonly string[]): Promise<void> {
  await Promise.all(texts.map((text) => sender.send(text)));
}

/** Waits for that many, and a little longer for what should not come. */
async function untilSeen(seen: readonly string[], count: number): Promise<void> {
  const deadlineMs = Date.now() + LIMIT_MS;
  while (seen.length < count && Date.now() < deadlineMs) await delay(10);
  await delay(100);
}

const byNumber = (texts: readonly string[]): string[] => texts.toSorted((a, b) => Number(a) - Number(b));

async function checkHandled(contender: Contender, place: Place): Promise<void> {
  const seen: string[] = [];
  const close = await contender.openReceiver(place, (text) => seen.push(text));
  const sender = await contender.openSender(place);
  await sendAll(sender, numbers(0));
  await untilSeen(seen, COUNT);
  expect(byNumber(seen)).toEqual(numbers(0));
  await close();
  await sender.close();
}

/** Texts sent before there is a receiver, and while it is away, wait for it; none comes twice. */
async function checkKept(contender: Contender, place: Place): Promise<void> {
  const sender = await contender.openSender(place);
  await sendAll(sender, numbers(0));
  const seen: string[] = [];
  for (const soFar of [COUNT, 2 * COUNT, 2 * COUNT]) {
    const close = await contender.openReceiver(place, (text) => seen.push(text));
    await untilSeen(seen, soFar);
    await close();
    if (soFar === COUNT) await sendAll(sender, numbers(COUNT));
  }
  expect(byNumber(seen)).toEqual([...numbers(0), ...numbers(COUNT)]);
  await sender.close();
}

async function checkAnswered(contender: Contender, place: Place): Promise<void> {
  const close = await contender.openResponder?.(place, (text) => `answer to ${text}`);
  const requester = await contender.openRequester?.(place);
  const answers = await Promise.all(numbers(0).map((text) => requester?.request(text)));
  expect(answers).toEqual(numbers(0).map((text) => `answer to ${text}`));
  await requester?.close();
  await close?.();
}

async function checkScenario(id: string, contender: Contender, place: Place): Promise<void> {
  if (id === "S2c") return checkKept(contender, place);
  if (id === "S4") return checkAnswered(contender, place);
  return checkHandled(contender, place);
}

describe.each(Object.entries(PEERS))("%s", (name: string, entry: ContenderEntry) => {
  test("hands over every text once, in each way that the scenarios ask for", async ({ skip }) => {
    // Nothing is installed for a test: missing programs are reported and left out.
    if ((await entry.isInstalled?.()) === false) {
      const reason = `${name} is not installed (npm run bench -- --install-peers)`;
      console.info(`left out: ${reason}`);
      skip(reason);
    }
    const dir = mkdtempSync(join(tmpdir(), "adaos-peers-test-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const backing = await entry.start?.("synced", dir);
    onTestFinished(() => backing?.stop());
    const contender = await entry.load();
    for (const id of entry.scenarios.filter((scenario) => ["S2b", "S2c", "S4", "S5b"].includes(scenario))) {
      const way = id === "S5b" ? { from: "alpha", to: "beta" } : { from: "solo", to: "solo" };
      const run = `${name}-${id}`.toLowerCase();
      const settings = JSON.parse(JSON.stringify(backing?.settings));
      const place: Place = { ...way, run, receiver: "handler", state: "", servers: {}, settings };
      await checkScenario(id, contender, place);
      await contender.tidy?.(place);
    }
  });
});
