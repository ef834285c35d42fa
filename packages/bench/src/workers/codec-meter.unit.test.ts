import { expect, test } from "vitest";
import { CodecMeter } from "./codec-meter.ts";

const TEXT = "x".repeat(80);

test("CodecMeter tells what its process has used, in units of a codec too", () => {
  const meter = new CodecMeter(TEXT);
  const before = process.cpuUsage();
  const text = JSON.stringify({ data: { text: TEXT }, numbers: Array.from({ length: 50 }, (_, i) => i) });
  let length = 0;
  for (let i = 0; i < 20_000; i++) length += JSON.stringify(JSON.parse(text)).length;
  const { user, system } = process.cpuUsage(before);
  const { cpuMs, codecMs } = meter.stop();
  expect(length).toBe(20_000 * text.length);
  expect(codecMs).toBeGreaterThan(0);
  // The two looks at the process are not at one moment.
  const ratio = cpuMs / ((user + system) / 1000);
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(1.25);
});
