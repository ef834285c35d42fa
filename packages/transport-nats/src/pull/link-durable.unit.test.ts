import {
  AckPolicy,
  type ApiError,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  NatsError,
} from "nats";
import { beforeEach, describe, expect, test } from "vitest";
import { beginLinkDurableAt, ensureLinkDurable, findConsumer, type LinkDurable } from "./link-durable.ts";

/** The settings that links need; the client's type predates two of them. */
const PINNED = {
  ack_policy: AckPolicy.All,
  priority_groups: ["link"],
  priority_policy: "pinned_client",
  priority_timeout: 2.5e9,
};

const DURABLE: LinkDurable = {
  stream: "MESH",
  consumer: "to-beta",
  filters: ["evt.alpha.*.ui.*.>", "evt.alpha.*.nlp.*.>"],
  startAt: "new",
};

let calls: [what: string, ...args: unknown[]][];
let existing: Partial<ConsumerConfig> | undefined;
let mark: Partial<ConsumerConfig> | undefined;
let failure: Error | undefined;

/** The three calls of the client library that are used here. */
const jsm = {
  consumers: {
    async info(_stream: string, name: string): Promise<ConsumerInfo> {
      if (failure !== undefined) throw failure;
      const config = name === "to-beta-anew" ? mark : existing;
      if (config === undefined) throw apiError(10014);
      return { config, ack_floor: { consumer_seq: 9, stream_seq: 41 } } as ConsumerInfo;
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
  mark = undefined;
  failure = undefined;
});

describe("ensureLinkDurable()", () => {
  test("makes a durable that serves one puller, acknowledges all before and delivers without end", async () => {
    await ensureLinkDurable(jsm, DURABLE);
    expect(calls).toMatchObject([
      [
        "add",
        "MESH",
        {
          durable_name: "to-beta",
          ...PINNED,
          ack_wait: 3e9,
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
    existing = { ...PINNED, filter_subjects: [...DURABLE.filters] };
    await ensureLinkDurable(jsm, DURABLE);
    existing = { ...PINNED, filter_subject: "evt.>" };
    await ensureLinkDurable(jsm, { ...DURABLE, filters: ["evt.>"] });
    expect(calls).toEqual([]);
  });

  test.each([[{ filter_subjects: ["evt.alpha.>"] }], [{ filter_subject: "evt.alpha.*.ui.*.>" }], [{}]])(
    "brings one with the filters %j to its own, its position kept",
    async (config) => {
      existing = { ...PINNED, ...config };
      await ensureLinkDurable(jsm, DURABLE);
      expect(calls).toEqual([["update", "MESH", "to-beta", { filter_subjects: DURABLE.filters }]]);
    },
  );

  test("makes anew, where it stands, one that acknowledges one by one", async () => {
    existing = { ack_policy: AckPolicy.Explicit, filter_subjects: [...DURABLE.filters] };
    const deleted = jsm.consumers.delete;
    try {
      // As a server does: a deleted consumer is gone, and an added one is there.
      jsm.consumers.delete = async (stream, name) => {
        if (name === "to-beta") existing = undefined;
        return deleted(stream, name);
      };
      const added = jsm.consumers.add;
      jsm.consumers.add = async (stream, config) => {
        if (config.durable_name === "to-beta-anew") mark = config;
        return added(stream, config);
      };
      await ensureLinkDurable(jsm, DURABLE);
      jsm.consumers.add = added;
    } finally {
      jsm.consumers.delete = deleted;
    }
    expect(calls).toMatchObject([
      ["add", "MESH", { durable_name: "to-beta-anew", ack_policy: "none", opt_start_seq: 42 }],
      ["delete", "MESH", "to-beta"],
      [
        "add",
        "MESH",
        { durable_name: "to-beta", ...PINNED, deliver_policy: "by_start_sequence", opt_start_seq: 42 },
      ],
      ["delete", "MESH", "to-beta-anew"],
    ]);
  });

  test("goes on where one stood that a crash kept from being made anew", async () => {
    mark = { opt_start_seq: 42 };
    await ensureLinkDurable(jsm, DURABLE);
    expect(calls).toMatchObject([
      ["add", "MESH", { durable_name: "to-beta", deliver_policy: "by_start_sequence", opt_start_seq: 42 }],
      ["delete", "MESH", "to-beta-anew"],
    ]);
  });

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

describe("ensureLinkDurable() with a list", () => {
  const info = (config: Partial<ConsumerConfig>): ConsumerInfo =>
    ({ config, ack_floor: { consumer_seq: 9, stream_seq: 41 } }) as ConsumerInfo;

  test("asks nothing about a durable of the list that is as it should be", async () => {
    failure = new Error("asked");
    const listed = new Map([["to-beta", info({ ...PINNED, filter_subjects: [...DURABLE.filters] })]]);
    await ensureLinkDurable(jsm, DURABLE, listed);
    expect(calls).toEqual([]);
  });

  test("asks for one that is not in the list: a cluster leaves some out", async () => {
    existing = { ...PINNED, filter_subjects: [...DURABLE.filters] };
    await ensureLinkDurable(jsm, DURABLE, new Map());
    expect(calls).toEqual([]);
  });

  test("removes one without filters, and its mark, and asks for neither", async () => {
    failure = new Error("asked");
    const none = { ...DURABLE, filters: [] };
    await ensureLinkDurable(jsm, none, new Map());
    expect(calls).toEqual([]);
    const listed = new Map(["to-beta", "to-beta-anew", "to-gamma"].map((name) => [name, info(PINNED)]));
    await ensureLinkDurable(jsm, none, listed);
    expect(calls).toEqual([
      ["delete", "MESH", "to-beta"],
      ["delete", "MESH", "to-beta-anew"],
    ]);
  });
});

describe("beginLinkDurableAt()", () => {
  test("marks the new place before the old durable goes, so that a crash in between loses neither", async () => {
    existing = { ...PINNED, filter_subjects: [...DURABLE.filters] };
    await beginLinkDurableAt(jsm, { ...DURABLE, startAt: { seq: 71 } });
    expect(
      calls.map(([what, , config]) => [what, (config as ConsumerConfig).durable_name ?? config]),
    ).toEqual([
      ["add", "to-beta-anew"],
      ["delete", "to-beta"],
      ["add", "to-beta"],
    ]);
    for (const [what, , config] of calls)
      if (what === "add") expect(config).toMatchObject({ opt_start_seq: 71 });
  });
});

describe("findConsumer()", () => {
  test("finds nothing only where the server says that there is none", async () => {
    expect(await findConsumer(jsm, "MESH", "to-beta")).toBeUndefined();
    failure = apiError(10059);
    await expect(findConsumer(jsm, "MESH", "to-beta")).rejects.toBe(failure);
  });
});
