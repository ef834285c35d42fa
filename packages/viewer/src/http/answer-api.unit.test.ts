import type { IncomingMessage, ServerResponse } from "node:http";
import { ReadingLimit } from "@adaos/transport-nats";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import type { Caller } from "../access/tokens.ts";
import { KeptAnswers } from "../routes/kept-answers.ts";
import { ApiAnswerer } from "./answer-api.ts";
import { route, type ViewerContext } from "./route.ts";

const ANSWER_LIMIT_MS = 60_000;

let finish: () => void;
let api: ApiAnswerer;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const work = new Promise<object>((resolve) => {
    finish = () => resolve({});
  });
  const input = z.strictObject({});
  const slow = route({
    method: "GET",
    path: "/api/slow",
    role: "viewer",
    input,
    answer: () => work,
  });
  const fast = route({ method: "GET", path: "/api/fast", role: "viewer", input, answer: async () => ({}) });
  const long = route({
    method: "GET",
    path: "/api/long",
    role: "viewer",
    input,
    answer: async () => {
      await new KeptAnswers<void>(60_000).get("", async () => ReadingLimit.current?.reach());
      return { rows: [1] };
    },
  });
  api = new ApiAnswerer([slow, fast, long], { say: () => undefined } as unknown as ViewerContext);
});
afterEach(() => {
  vi.useRealTimers();
});

/** Resolves with the status of the answer. */
function ask(path: string, name: string, onBody = (_body: string): void => undefined): Promise<number> {
  const caller: Caller = { id: "1", name, role: "viewer" };
  return new Promise((resolve) => {
    const response = {
      headersSent: false,
      setHeader: () => response,
      writeHead: (status: number) => resolve(status),
      end: (body: string) => onBody(body),
    };
    const request = { method: "GET" } as IncomingMessage;
    const url = new URL(path, "http://viewer");
    void api.answer(request, response as unknown as ServerResponse, url, () => caller);
  });
}

test("the holder of a token leaves places to others, and work that was given up keeps its place", async () => {
  const slow = Array.from({ length: 8 }, () => ask("/api/slow", "anna"));
  expect(await ask("/api/fast", "anna")).toBe(503);
  expect(await ask("/api/fast", "bob")).toBe(200);
  await vi.advanceTimersByTimeAsync(ANSWER_LIMIT_MS);
  expect(await Promise.all(slow)).toEqual(Array.from({ length: 8 }, () => 504));
  expect(await ask("/api/fast", "anna")).toBe(503);
  finish();
  await vi.advanceTimersByTimeAsync(0);
  expect(await ask("/api/fast", "anna")).toBe(200);
});

test("an answer that stopped reading says so, and a whole one does not", async () => {
  const bodies: unknown[] = [];
  const keep = (body: string): void => void bodies.push(JSON.parse(body));
  await ask("/api/long", "anna", keep);
  await ask("/api/fast", "anna", keep);
  expect(bodies).toEqual([{ rows: [1], read_cut: expect.stringContaining("ask for a shorter time") }, {}]);
});
