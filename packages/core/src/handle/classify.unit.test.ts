import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MESH_ERROR_CODES, MeshError, type MeshErrorCode } from "../language/errors.ts";
import { type ClassifyRule, classify, NonRetryableError, RetryableError } from "./classify.ts";

const NOW_MS = Date.parse("2025-09-23T16:20:00Z");
const UNKNOWN = { category: "unknown", rule: "none" };

/** An error with more fields than its type declares. */
function errorWith(fields: object, cause?: unknown): Error {
  return Object.assign(new Error("x", { cause }), fields);
}

describe("classify() by type", () => {
  test("takes the word of a typed error", () => {
    expect(classify(new RetryableError("x"))).toEqual({ category: "transient", rule: "typed" });
    expect(classify(new NonRetryableError("x"))).toEqual({ category: "permanent", rule: "typed" });
  });

  test("hands on the wait that a RetryableError asks for", () => {
    const thrown = new RetryableError("x", { retryAfterMs: 1234 });
    expect(classify(thrown)).toEqual({ category: "transient", rule: "typed", retryAfterMs: 1234 });
  });

  test("places every code of a MeshError: what may be cured by time or by the next process is transient", () => {
    const curable: MeshErrorCode[] = ["backpressure", "unavailable", "timeout", "closed"];
    for (const code of MESH_ERROR_CODES) {
      const category = curable.includes(code) ? "transient" : "permanent";
      expect(classify(new MeshError(code, "x"))).toEqual({ category, rule: `mesh ${code}` });
    }
  });
});

describe("classify() by HTTP status", () => {
  test("takes 5xx, 408, 425 and 429 as transient and every other 4xx as permanent", () => {
    for (let status = 400; status <= 599; status++) {
      const isTransient = status >= 500 || [408, 425, 429].includes(status);
      const expected = { category: isTransient ? "transient" : "permanent", rule: `http ${status}` };
      expect(classify(errorWith({ status }))).toEqual(expected);
    }
  });

  test.each([
    ["status", { status: 503 }],
    ["statusCode", { statusCode: 503 }],
    ["the status of its response", { response: { status: 503 } }],
  ])("finds it in %s", (_, fields) => {
    expect(classify(errorWith(fields))).toMatchObject({ category: "transient", rule: "http 503" });
    expect(classify(fields)).toMatchObject({ category: "transient", rule: "http 503" });
  });

  test.each([200, 302, 399, 600, 1000, -1, 404.5, "404", null])(
    "knows nothing of a status of %j",
    (status) => {
      expect(classify(errorWith({ status }))).toEqual(UNKNOWN);
    },
  );
});

describe("classify(), Retry-After", () => {
  const HALF_PAST = "Tue, 23 Sep 2025 16:20:30 GMT";
  const PAST = "Tue, 23 Sep 2025 16:19:30 GMT";

  test.each<[what: string, fields: object, retryAfterMs: number]>([
    ["seconds", { headers: { "retry-after": "7" } }, 7000],
    ["seconds as a number", { headers: { "retry-after": 7 } }, 7000],
    ["no seconds", { headers: { "retry-after": "0" } }, 0],
    ["a date", { headers: { "Retry-After": HALF_PAST } }, 30_000],
    ["a date that is over", { headers: { "retry-after": PAST } }, 0],
    ["a Headers object", { headers: new Headers({ "Retry-After": "7" }) }, 7000],
    ["a Headers object with a date", { headers: new Headers({ "Retry-After": HALF_PAST }) }, 30_000],
    ["the headers of its response", { response: { headers: new Headers({ "Retry-After": "7" }) } }, 7000],
  ])("is honoured as %s", (_, fields, retryAfterMs) => {
    for (const status of [429, 503]) {
      const expected = { category: "transient", rule: `http ${status}`, retryAfterMs };
      expect(classify(errorWith({ status, ...fields }), [], NOW_MS)).toEqual(expected);
    }
  });

  test.each(["", " ", "soon", "-1", "NaN", "Infinity", null, {}, true])("asks for nothing as %j", (value) => {
    const thrown = errorWith({ status: 503, headers: { "retry-after": value } });
    expect(classify(thrown, [], NOW_MS)).toEqual({ category: "transient", rule: "http 503" });
  });

  test("asks for nothing when it is empty in a Headers object", () => {
    const thrown = errorWith({ status: 503, headers: new Headers({ "retry-after": "" }) });
    expect(classify(thrown)).not.toHaveProperty("retryAfterMs");
  });

  test("does not make a permanent answer worth a wait", () => {
    const thrown = errorWith({ status: 404, headers: { "retry-after": "7" } });
    expect(classify(thrown)).toEqual({ category: "permanent", rule: "http 404" });
  });
});

describe("classify() by code and name", () => {
  test.each([
    ["ECONNRESET", "transient"],
    ["ECONNREFUSED", "transient"],
    ["ECONNABORTED", "transient"],
    ["ETIMEDOUT", "transient"],
    ["EPIPE", "transient"],
    ["EAI_AGAIN", "transient"],
    ["ENOTFOUND", "transient"],
    ["EHOSTUNREACH", "transient"],
    ["ENETUNREACH", "transient"],
    ["ENETDOWN", "transient"],
    ["EMFILE", "transient"],
    ["ENFILE", "transient"],
    ["EBUSY", "transient"],
    ["ENOSPC", "transient"],
    ["UND_ERR_CONNECT_TIMEOUT", "transient"],
    ["ENOENT", "permanent"],
    ["EACCES", "permanent"],
  ])("takes %s as %s", (code, category) => {
    expect(classify(errorWith({ code }))).toEqual({ category, rule: code });
  });

  test.each(["EWHATEVER", "", "econnreset", 23, undefined])("knows nothing of the code %j", (code) => {
    expect(classify(errorWith({ code }))).toEqual(UNKNOWN);
  });

  test("takes an abort and a timeout as transient", () => {
    expect(classify(AbortSignal.abort().reason)).toEqual({ category: "transient", rule: "AbortError" });
    const timeout = new DOMException("x", "TimeoutError");
    expect(classify(timeout)).toEqual({ category: "transient", rule: "TimeoutError" });
  });

  test.each([
    ["TypeError", new TypeError("x")],
    ["SyntaxError", new SyntaxError("x")],
    ["RangeError", new RangeError("x")],
  ])("takes a %s as permanent", (rule, thrown) => {
    expect(classify(thrown)).toEqual({ category: "permanent", rule });
  });

  test.each([new Error("x"), new ReferenceError("x"), "x", 7, null, undefined, {}, Symbol("x")])(
    "knows nothing of %o",
    (thrown) => {
      expect(classify(thrown)).toEqual(UNKNOWN);
    },
  );
});

describe("classify(), causes", () => {
  test("finds what fetch hides behind a TypeError", () => {
    const refused = errorWith({ code: "ECONNREFUSED" });
    const thrown = new TypeError("fetch failed", { cause: refused });
    expect(classify(thrown)).toEqual({ category: "transient", rule: "ECONNREFUSED" });
  });

  test("takes no failure of the network for a mistake in the code, though it may not know it", () => {
    const thrown = new TypeError("fetch failed", { cause: errorWith({ code: "EWHATEVER" }) });
    expect(classify(thrown)).toEqual(UNKNOWN);
  });

  test("finds the mistake of a real fetch permanent", async () => {
    const thrown = await fetch("no url").catch((err: unknown) => err);
    expect(classify(thrown)).toEqual({ category: "permanent", rule: "TypeError" });
  });

  test.each<[what: string, thrown: Error, rule: string]>([
    ["a type over a status", errorWith({ status: 404 }, new RetryableError("x")), "typed"],
    ["a status over a code", errorWith({ code: "ENOENT", status: 503 }), "http 503"],
    ["a status below over a code above", errorWith({ code: "ENOENT" }, { status: 503 }), "http 503"],
    ["a code over a name", errorWith({ name: "AbortError", code: "ENOENT" }), "ENOENT"],
    ["a name over a mistake", Object.assign(new TypeError("x"), { name: "AbortError" }), "AbortError"],
    ["the outer of two equals", errorWith({ code: "EPIPE" }, errorWith({ code: "ENOENT" })), "EPIPE"],
  ])("prefers %s", (_, thrown, rule) => {
    expect(classify(thrown).rule).toBe(rule);
  });

  test("looks five deep and ends where a chain of causes does not", () => {
    const deep = (depth: number): Error =>
      depth === 0 ? new NonRetryableError("x") : new Error("x", { cause: deep(depth - 1) });
    expect([classify(deep(4)).rule, classify(deep(5)).rule]).toEqual(["typed", "none"]);
    const loop = new Error("x");
    loop.cause = loop;
    expect(classify(loop)).toEqual(UNKNOWN);
  });
});

describe("classify(), rules of the user", () => {
  test("asks them first, in order; nothing means not mine", () => {
    const asked: number[] = [];
    const ruleOf =
      (n: number, category: ReturnType<ClassifyRule>): ClassifyRule =>
      () => {
        asked.push(n);
        return category;
      };
    const rules = [ruleOf(0, undefined), ruleOf(1, "permanent"), ruleOf(2, "transient")];
    const thrown = new RetryableError("x");
    expect(classify(thrown, rules)).toEqual({ category: "permanent", rule: "user rule 1" });
    expect(asked).toEqual([0, 1]);
    expect(classify(thrown, [ruleOf(0, undefined)])).toMatchObject({ rule: "typed" });
  });

  test("does without a rule that throws or says nonsense", () => {
    const broken: ClassifyRule = () => {
      throw new Error("rule");
    };
    const nonsense = (() => "perhaps") as unknown as ClassifyRule;
    const late = (async () => "permanent") as unknown as ClassifyRule;
    const thrown = new RetryableError("x");
    expect(classify(thrown, [broken, nonsense, late])).toEqual({ category: "transient", rule: "typed" });
    expect(classify(thrown, [broken, () => "unknown"])).toEqual({ category: "unknown", rule: "user rule 1" });
  });
});

describe("classify(), whatever was thrown", () => {
  test("says one of the three categories and never throws", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withDate: true, withMap: true }), (thrown) => {
        for (const tried of [thrown, new Error("x", { cause: thrown }), errorWith({ response: thrown })]) {
          expect(["transient", "permanent", "unknown"]).toContain(classify(tried).category);
        }
      }),
    );
  });

  test("survives a field that throws when it is read", () => {
    const thrown = Object.defineProperty(new Error("x"), "response", {
      get: () => {
        throw new Error("getter");
      },
    });
    expect(classify(thrown)).toEqual(UNKNOWN);
  });
});
