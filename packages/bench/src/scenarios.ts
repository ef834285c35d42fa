import type { Scenario } from "./scenario.ts";
import { backlog } from "./scenarios/backlog.ts";
import { deadLetters } from "./scenarios/dead-letters.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { footprint } from "./scenarios/footprint.ts";
import { growthScenarios } from "./scenarios/growth.ts";
import { latency } from "./scenarios/latency.ts";
import { manySubnets } from "./scenarios/many-subnets.ts";
import { overhead } from "./scenarios/overhead.ts";
import { processorTime } from "./scenarios/processor-time.ts";
import { requests } from "./scenarios/requests.ts";
import { scrape } from "./scenarios/scrape.ts";
import { startUp } from "./scenarios/start-up.ts";
import { handled, published } from "./scenarios/throughput.ts";
import { ACROSS, WITHIN } from "./scenarios/ways.ts";

/** In the order of their runs. The footprint comes first: pages that other processes share would count less. */
export const SCENARIOS: readonly Scenario[] = [
  footprint,
  startUp,
  latency({ id: "S1", title: "publish to handled, within a subnet", way: WITHIN, reference: "raw" }),
  published({ id: "S2a", title: "durable publishing, nobody consumes", way: WITHIN, reference: "raw" }),
  handled({ id: "S2b", title: "published and handled at once", way: WITHIN, reference: "raw" }),
  backlog({ id: "S2c", title: "handling a stored backlog", way: WITHIN, reference: "raw" }),
  fanOut({ id: "S3", title: "one publisher, ten durables", reference: "raw" }),
  requests({ id: "S4", title: "request and reply", way: WITHIN, reference: "raw" }),
  latency({
    id: "S5a",
    title: "publish to handled, across the root",
    way: ACROSS,
    reference: "native-sources",
  }),
  handled({
    id: "S5b",
    title: "published and handled, across the root",
    way: ACROSS,
    reference: "native-sources",
  }),
  deadLetters,
  ...growthScenarios,
  overhead,
  processorTime({
    id: "S11a",
    title: "processor time per event, within a subnet",
    way: WITHIN,
    reference: "raw",
  }),
  processorTime({
    id: "S11b",
    title: "processor time per event, across the root",
    way: ACROSS,
    reference: "native-sources",
  }),
  scrape,
  manySubnets,
];
