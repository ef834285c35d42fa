import { MeshError } from "@adaos/core";
import type { Contender } from "../contender.ts";
import { loadContender } from "../contenders.ts";
import { inWindow } from "../pace.ts";
import { formatText, nowMs } from "../report/text.ts";
import type { AnswerWork, AskWork } from "../workers/worker-protocol.ts";
import { type Role, tellProgress } from "./role.ts";

export async function ask(work: AskWork, role: Role): Promise<void> {
  const { contender, place, count, warmUp, bytes, window, alone } = work;
  const requester = await must("openRequester", contender, await loadContender(contender))(place);
  let asked = 0;
  const request = async (index: number): Promise<void> => {
    const text = formatText({ index, sentMs: nowMs() }, bytes);
    const answer = await requester.request(text);
    if (answer !== text) throw new MeshError("internal", "an answer belongs to another request");
    asked++;
  };
  role.tell({ kind: "ready" });
  await role.go;
  const stopTelling = tellProgress(role, warmUp + count + alone, () => asked);
  await inWindow(warmUp, window, request);
  const startMs = performance.now();
  await inWindow(count, window, request);
  const allMs = performance.now() - startMs;
  const aloneMs: number[] = [];
  for (let index = 0; index < alone; index++) {
    const atMs = performance.now();
    await request(index);
    aloneMs.push(performance.now() - atMs);
  }
  stopTelling();
  role.tell({ kind: "asked", allMs, aloneMs });
  await role.close;
  await requester.close();
}

export async function answer({ contender, place }: AnswerWork, role: Role): Promise<void> {
  const openResponder = must("openResponder", contender, await loadContender(contender));
  const close = await openResponder(place, (text) => text);
  role.tell({ kind: "ready" });
  await role.close;
  await close();
}

function must<K extends "openRequester" | "openResponder">(
  key: K,
  name: string,
  contender: Contender,
): NonNullable<Contender[K]> {
  const open = contender[key];
  if (open === undefined) throw new MeshError("usage", `${name} has no requests`);
  return open as NonNullable<Contender[K]>;
}
