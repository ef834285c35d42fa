import { describe, expect, test } from "vitest";
import { type ProgressStream, renderProgress } from "./progress.ts";

interface Screen extends ProgressStream {
  text: string;
}

function screen(isTTY: boolean, columns = 80): Screen {
  return {
    isTTY,
    columns,
    text: "",
    write(text) {
      this.text += text;
    },
  };
}

function download(receivedBytes: number, totalBytes?: number) {
  return { kind: "download", receivedBytes, totalBytes } as const;
}

const MB = 1_000_000;

describe("renderProgress() on a terminal", () => {
  test("redraws one line, at most ten times a second, and always the last", () => {
    const stream = screen(true);
    let time = 0;
    const show = renderProgress({ stream, env: {}, now: () => time });
    for (; time < 1_000; time += 10) show(download(time * 1_000, MB));
    show(download(MB, MB));
    show({ kind: "installed", path: "/x", version: "2.15.1" });
    const draws = stream.text.split("\r").slice(1);
    expect(draws).toHaveLength(11);
    expect(draws[5]).toBe("[############............] 0.5 of 1.0 MB, 50 %\u001b[K");
    expect(draws[10]).toContain("1.0 of 1.0 MB, 100 %\u001b[K\nnats-server 2.15.1 installed at /x\n");
  });

  test("keeps to the width", () => {
    const stream = screen(true, 10);
    renderProgress({ stream, env: {} })(download(1, MB));
    expect(stream.text).toBe("\r[........\u001b[K");
  });

  test("draws no bar when the size is unknown", () => {
    const stream = screen(true);
    renderProgress({ stream, env: {} })(download(2 * MB));
    expect(stream.text).toBe("\r2.0 MB\u001b[K");
  });

  test.each([{ NO_COLOR: "1" }, { TERM: "dumb" }, { CI: "true" }])("draws none with %j", (env) => {
    const stream = screen(true);
    const show = renderProgress({ stream, env });
    show(download(1, MB));
    show({ kind: "step", text: "next" });
    expect(stream.text).toBe("next\n");
  });
});

describe("renderProgress() elsewhere", () => {
  test("prints a line at most every second and every quarter", () => {
    const stream = screen(false);
    let time = 0;
    const show = renderProgress({ stream, env: {}, now: () => time });
    for (; time <= 60_000; time += 100) show(download((time / 60_000) * MB, MB));
    const percents = stream.text.match(/\d+ %/g);
    expect(percents).toEqual(["25 %", "50 %", "75 %", "100 %"]);
    const quick = screen(false);
    const showQuick = renderProgress({ stream: quick, env: {}, now: () => 0 });
    for (const bytes of [1, MB / 2, MB]) showQuick(download(bytes, MB));
    expect(quick.text).toBe("");
  });

  test("prints a line a second when the size is unknown", () => {
    const stream = screen(false);
    let time = 0;
    const show = renderProgress({ stream, env: {}, now: () => time });
    for (; time <= 3_000; time += 100) show(download(time * 1_000));
    expect(stream.text).toBe("1.0 MB\n2.0 MB\n3.0 MB\n");
  });

  test("prints steps and failures, and nothing for looking", () => {
    const stream = screen(false);
    const show = renderProgress({ stream, env: {} });
    show({ kind: "looking" });
    show({ kind: "step", text: "one" });
    show({ kind: "failed", what: "official release", reason: "no route" });
    expect(stream.text).toBe("one\nofficial release: no route\n");
  });
});
