import { type ApiError, type JetStreamManager, NatsError, type StreamInfo } from "nats";
import { beforeEach, describe, expect, test } from "vitest";
import { ensureStream, makeStream, type StreamSettings } from "./streams.ts";

const SETTINGS: StreamSettings = {
  name: "EVENTS_alpha",
  subjects: ["evt.>"],
  maxAgeMs: 3_600_000,
  maxBytes: 1_048_576,
  duplicateWindowMs: 120_000,
  maxMessageBytes: 1000,
};

let calls: [what: string, ...args: unknown[]][];
let exists: boolean;
let lookUp: Error | undefined;
let refusal: Error | undefined;
/** Messages that the disk still has of a stream that the server does not know. */
let held: number;

const jsm = {
  streams: {
    async info(): Promise<StreamInfo> {
      if (lookUp !== undefined) throw lookUp;
      if (!exists) throw apiError(404, 10059, "stream not found");
      return { config: {} } as StreamInfo;
    },
    async add(...args: unknown[]) {
      calls.push(["add", ...args]);
      if (refusal !== undefined) throw refusal;
      return { state: { messages: held, last_seq: held } } as StreamInfo;
    },
    async purge(...args: unknown[]) {
      calls.push(["purge", ...args]);
    },
    async update(...args: unknown[]) {
      calls.push(["update", ...args]);
      if (refusal !== undefined) throw refusal;
    },
  },
} as unknown as JetStreamManager;

function apiError(code: number, errCode: number, description: string): NatsError {
  const error = new NatsError(description, String(code));
  error.api_error = { code, err_code: errCode, description } as ApiError;
  return error;
}

beforeEach(() => {
  calls = [];
  exists = false;
  lookUp = undefined;
  refusal = undefined;
  held = 0;
});

describe("ensureStream()", () => {
  test("makes a stream on disk that refuses when it is full, and takes atomic batches", async () => {
    await ensureStream(jsm, SETTINGS);
    expect(calls).toMatchObject([
      [
        "add",
        {
          name: "EVENTS_alpha",
          subjects: ["evt.>"],
          retention: "limits",
          storage: "file",
          discard: "new",
          max_age: 3600e9,
          max_bytes: 1_048_576,
          duplicate_window: 120e9,
          max_msg_size: 1000,
          allow_atomic: true,
        },
      ],
    ]);
  });

  test("brings one that is there to these settings", async () => {
    exists = true;
    await ensureStream(jsm, SETTINGS);
    expect(calls).toMatchObject([["update", "EVENTS_alpha", { max_bytes: 1_048_576, max_msg_size: 1000 }]]);
  });

  test.each([[false], [true]])(
    "says what may be wrong when the server refuses (there before: %s)",
    async (there) => {
      exists = there;
      refusal = apiError(500, 10047, "insufficient storage resources available");
      await expect(ensureStream(jsm, SETTINGS)).rejects.toMatchObject({
        code: "invalid-config",
        message: expect.stringMatching(/EVENTS_alpha.*1048576.*insufficient storage.*free disk/),
      });
    },
  );

  test("rejects with unavailable, and makes nothing, when the server does not answer", async () => {
    lookUp = new NatsError("TIMEOUT", "TIMEOUT");
    await expect(ensureStream(jsm, SETTINGS)).rejects.toMatchObject({ code: "unavailable" });
    expect(calls).toEqual([]);
  });
});

describe("makeStream()", () => {
  test("lets numbers go on before anything can be stored, where there was a stream of that name", async () => {
    await makeStream(jsm, { ...SETTINGS, republish: { src: "evt.a", dest: "b" } }, 41);
    expect(calls).toMatchObject([
      ["add", { subjects: ["closed.EVENTS_alpha"] }],
      ["purge", "EVENTS_alpha", { seq: 42 }],
      ["update", "EVENTS_alpha", { subjects: ["evt.>"], republish: { src: "evt.a" } }],
    ]);
    expect(calls[0]?.[1]).not.toHaveProperty("republish");
  });

  test("keeps what the disk still has, and writes its settings anew", async () => {
    held = 41;
    await makeStream(jsm, SETTINGS, 1_000_041);
    await makeStream(jsm, SETTINGS, 0);
    expect(calls.map(([what]) => what)).toEqual(["add", "update", "add", "update"]);
  });
});
