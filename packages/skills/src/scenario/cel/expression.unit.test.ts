import { describe, expect, test } from "vitest";
import { Expression } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";

const run = (text: string, data: unknown = {}): unknown =>
  new Expression(text).evaluate({ event: { data }, now: new Date(Date.UTC(2026, 2, 29, 0, 30)), steps: {} });

/** The message and offset of an expression that is none, or has no value. */
function fault(text: string, data: unknown = {}): [string, number] {
  try {
    run(text, data);
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return [thrown.message, thrown.offset];
    throw thrown;
  }
  throw new Error(`${text} has a value`);
}

describe("Expression", () => {
  test("calculates with numbers of JSON and whole numbers alike", () => {
    const data = { n: 7, l: [1, 2, 3] };
    expect(
      ["event.data.n + 1", "2 * event.data.n", "event.data.n % 4", "event.data.n / 2"].map((one) =>
        run(one, data),
      ),
    ).toEqual([8, 14, 3, 3.5]);
    expect(run("event.data.l[0] == 1 && event.data.n in [7] && event.data.n > 6", data)).toBe(true);
    expect(run("event.data.l.filter(x, x > 1).map(x, x * 2)", data)).toEqual([4, 6]);
  });

  test("reads what may be missing by has() and .?", () => {
    expect(run("has(event.data.n) && event.data.n > 1")).toBe(false);
    expect(run('event.data.?level.orValue("info")')).toBe("info");
    expect(fault("event.data.n > 1")).toEqual(["No such key: n", 11]);
  });

  test("tells the place of a fault", () => {
    expect(fault("event.data.n >")).toEqual([expect.any(String), 14]);
    expect(fault("1 == 1 && evnt.n")).toEqual(["Unknown variable: evnt", 10]);
    expect(fault('"a" + 1')).toEqual(["no such overload: string + int", 0]);
    expect(fault("nope(1)")[0]).toContain("nope");
  });

  test("matches patterns in linear time, and refuses those that cannot be", () => {
    const started = performance.now();
    expect(run('event.data.t.matches("^(a+)+$")', { t: `${"a".repeat(5000)}b` })).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(run('"light".matches("^l.*t$")')).toBe(true);
    expect(() => new Expression('event.data.t.matches("(a)\\\\1")')).toThrow("linear time");
    expect(fault('event.data.t.matches("(" + "a)\\\\1")', { t: "a" })[0]).toContain("linear time");
    expect(() => new Expression('now.getHours("Nowhere/Land")')).toThrow(
      expect.objectContaining({ offset: 13 }),
    );
  });

  test("reaches no prototype, no function and nothing outside", () => {
    for (const field of ["constructor", "toString", "hasOwnProperty"])
      expect(fault(`event.data.${field}`)).toEqual([`No such key: ${field}`, expect.any(Number)]);
    for (const field of ["__proto__", "prototype"])
      expect(() => run(`event.data.${field}`)).toThrow(ExpressionError);
    expect(fault('event.data["__proto__"]')[0]).toContain("No such key");
    for (const text of ["process.exit(1)", "globalThis", "this", 'event.data.t.replace("a")', "(() => 1)()"])
      expect(() => run(text, { t: "a" }), text).toThrow(ExpressionError);
  });

  test("is bounded: size, nesting, visited elements", () => {
    expect(() => new Expression(`1${" + 1".repeat(400)}`)).toThrow(ExpressionError);
    expect(() => new Expression("(".repeat(100))).toThrow(ExpressionError);
    const l = Array.from({ length: 1000 }, (_, i) => i);
    expect(run("event.data.l.all(x, x >= 0)", { l })).toBe(true);
    expect(fault("event.data.l.map(x, event.data.l.map(y, event.data.l.map(z, 1)))", { l })[0]).toContain(
      "10000 elements",
    );
    expect(() => new Expression("cel.bind(x, 1, x + x)")).toThrow("bind is not supported");
  });

  test("tells the parts of a time in a zone, also when clocks are changed", () => {
    expect(run('now.getHours("Europe/Berlin")')).toBe(1n);
    expect(run('(now + duration("30m")).getHours("Europe/Berlin")')).toBe(3n);
    expect(run('now.getDayOfWeek("America/New_York")')).toBe(6n);
    expect(run('now.getDate("Pacific/Auckland") + now.getMonth("Pacific/Auckland")')).toBe(31n);
    expect(run("now.getDayOfYear()")).toBe(87n);
    expect(fault('now.getHours("Nowhere/Land")')[0]).toContain("time zone");
  });

  test("gives the values that it reads, and no long ones", () => {
    const expression = new Expression(
      'event.data.n > 1 && event.data.t == "x" && size(event.data.l) > 0 && has(event.data.q)',
    );
    const scope = { event: { data: { n: 3, t: "x".repeat(1000), l: [1, 2] } } };
    const values = expression.values(scope);
    expect(values).toMatchObject({ "event.data.n": 3, "event.data.l": "a list of 2" });
    expect(Object.keys(values)).toEqual(["event.data.n", "event.data.t", "event.data.l"]);
    expect(JSON.stringify(values).length).toBeLessThan(300);
  });

  test("finds every field that it reads, within macros too", () => {
    const { paths } = new Expression(
      'event.data.items.exists(i, i.n > event.data.max) && event["data"].x == now.getHours()',
    );
    const told = paths.map(({ root, steps }) => [root, ...steps.map(({ field }) => field ?? "[]")].join("."));
    expect(told).toEqual([
      "event.data.items",
      "event.data.items.[].n",
      "event.data.max",
      "event.data.x",
      "now",
    ]);
  });
});
