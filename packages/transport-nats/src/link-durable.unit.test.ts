import { type ApiError, type ConsumerInfo, type JetStreamManager, NatsError } from "nats";
import { beforeEach, describe, expect, test } from "vitest";
import { ensureLinkDurable, findConsumer, type LinkDurable } from "./link-durable.ts";

const DURABLE: LinkDurable = {
  stream: "MESH",
  consumer: "to-beta",
  filters: ["evt.alpha.*.ui.*.>", "evt.alpha.*.nlp.*.>"],
  startAt: "new",
};

let calls: [what: string, ...args: unknown[]][];
let existing: { filter_subjects?: string[]; filter_subject?: string } | undefined;
let failure: Error | undefined;

/** The three calls of the client library that are used here. */
const jsm = {
  consumers: {
    async info(): Promise<ConsumerInfo> {
      if (failure !== undefined) throw failure;
      if (existing === undefined) throw apiError(10014);
      return { config: existing } as ConsumerInfo;
    },
    async add(...args: unknown[]) {
      calls.push(["add", ...args]);
    },
    async update(...args: unknown[]) {
      calls.push(["update", ...args]);
    },
    async delete(...args: unknown[]) {
      calls.push(["delete", ...args]);
    },
  },
} as unknown as JetStreamManager;

function apiError(errCode: number): NatsError {
  const error = new NatsError("refused", "404");
  error.api_error = { code: 404, err_code: errCode, description: "refused" } as ApiError;
  return error;
}

beforeEach(() => {
  calls = [];
  existing = undefined;
  failure = undefined;
});

describe("ensureLinkDurable()", () => {
  test("makes a durable that acknowledges one by one and delivers without end", async () => {
    await ensureLinkDurable(jsm, DURABLE);
    expect(calls).toMatchObject([
      [
        "add",
        "MESH",
        {
          durable_name: "to-beta",
          ack_policy: "explicit",
          ack_wait: 5e9,
          max_deliver: -1,
          deliver_policy: "new",
          filter_subjects: DURABLE.filters,
        },
      ],
    ]);
  });

  test("begins with everything where it was there before", async () => {
    await ensureLinkDurable(jsm, { ...DURABLE, startAt: "all" });
    expect(calls).toMatchObject([["add", "MESH", { deliver_policy: "all" }]]);
  });

  test("leaves alone one that has these filters", async () => {
    existing = { filter_subjects: [...DURABLE.filters] };
    await ensureLinkDurable(jsm, DURABLE);
    existing = { filter_subject: "evt.>" };
    await ensureLinkDurable(jsm, { ...DURABLE, filters: ["evt.>"] });
    expect(calls).toEqual([]);
  });

  test.each([[{ filter_subjects: ["evt.alpha.>"] }], [{ filter_subject: "evt.alpha.*.ui.*.>" }], [{}]])(
    "brings one with the filters %j to its own, its position kept",
    async (config) => {
      existing = config;
      await ensureLinkDurable(jsm, DURABLE);
      expect(calls).toEqual([["update", "MESH", "to-beta", { filter_subjects: DURABLE.filters }]]);
    },
  );

  test("removes one that may let nothing pass: without a filter it would let everything", async () => {
    existing = { filter_subjects: [...DURABLE.filters] };
    await ensureLinkDurable(jsm, { ...DURABLE, filters: [] });
    expect(calls).toEqual([["delete", "MESH", "to-beta"]]);
  });

  test("makes none that may let nothing pass", async () => {
    await ensureLinkDurable(jsm, { ...DURABLE, filters: [] });
    expect(calls).toEqual([]);
  });

  test("rejects as the client does when the server does not answer", async () => {
    failure = new NatsError("TIMEOUT", "TIMEOUT");
    await expect(ensureLinkDurable(jsm, DURABLE)).rejects.toBe(failure);
    expect(calls).toEqual([]);
  });
});

describe("findConsumer()", () => {
  test("finds nothing only where the server says that there is none", async () => {
    expect(await findConsumer(jsm, "MESH", "to-beta")).toBeUndefined();
    failure = apiError(10059);
    await expect(findConsumer(jsm, "MESH", "to-beta")).rejects.toBe(failure);
  });
});
