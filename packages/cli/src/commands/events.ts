import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { eventsDetailCommand } from "./events-detail.ts";
import { eventsDlqCommand } from "./events-dlq.ts";
import { eventsDocsCommand } from "./events-docs.ts";
import { eventsExportCommand } from "./events-export.ts";
import { eventsFailedCommand } from "./events-failed.ts";
import { eventsMetricsCommand } from "./events-metrics.ts";
import { eventsPackCommand } from "./events-pack.ts";
import { eventsPrometheusCommand } from "./events-prometheus.ts";
import { eventsPublishCommand } from "./events-publish.ts";
import { eventsRegistryCommand } from "./events-registry.ts";
import { eventsReplayCommand } from "./events-replay.ts";
import { eventsRetryCommand } from "./events-retry.ts";
import { eventsRetryCandidatesCommand } from "./events-retry-candidates.ts";
import { eventsScaffoldCommand } from "./events-scaffold.ts";
import { eventsStatusCommand } from "./events-status.ts";
import { eventsSubscribeCommand } from "./events-subscribe.ts";
import { eventsTailCommand } from "./events-tail.ts";
import { eventsTopicsCommand } from "./events-topics.ts";
import { eventsValidateCommand } from "./events-validate.ts";

export function eventsCommand(terminal: Terminal): Command {
  return new Command("events")
    .description("publish and watch events, look after the ones that failed, and after the registry")
    .addCommand(eventsPublishCommand(terminal))
    .addCommand(eventsSubscribeCommand(terminal))
    .addCommand(eventsTailCommand(terminal))
    .addCommand(eventsTopicsCommand(terminal))
    .addCommand(eventsDocsCommand(terminal))
    .addCommand(eventsStatusCommand(terminal))
    .addCommand(eventsFailedCommand(terminal))
    .addCommand(eventsRetryCandidatesCommand(terminal))
    .addCommand(eventsDetailCommand(terminal))
    .addCommand(eventsRetryCommand(terminal))
    .addCommand(eventsReplayCommand(terminal))
    .addCommand(eventsRegistryCommand(terminal))
    .addCommand(eventsExportCommand(terminal))
    .addCommand(eventsDlqCommand(terminal))
    .addCommand(eventsMetricsCommand(terminal))
    .addCommand(eventsPrometheusCommand(terminal))
    .addCommand(eventsScaffoldCommand(terminal))
    .addCommand(eventsValidateCommand(terminal))
    .addCommand(eventsPackCommand(terminal));
}
