import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseExposition, readValue } from "../../../test/kit/parse-exposition.ts";
import { connect } from "./connect.ts";

const MESH = fileURLToPath(new URL("../../../examples/local.yaml", import.meta.url));

test("a bus of a local mesh tells what it has counted", async () => {
  const bus = await connect({ as: "alpha/kitchen", mesh: MESH });
  await bus.publish("ui.notify", { text: "x" });
  const told = parseExposition(bus.metrics()?.text ?? "", "text");
  await bus.close();
  const labels = { node: "alpha/kitchen", event: "ui.notify" };
  expect(readValue(told, "adaos_events_published_total", labels)).toBe(1);
});

test("a bus of a local mesh counts nothing where that is turned off", async () => {
  const bus = await connect({ as: "alpha/kitchen", mesh: MESH, metrics: false });
  await bus.publish("ui.notify", { text: "x" });
  expect(bus.metrics()).toBeUndefined();
  await bus.close();
});
