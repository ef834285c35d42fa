import { Command } from "commander";
import type { Terminal } from "../../terminal/terminal.ts";
import { eventsDetailCommand } from "./detail.ts";
import { eventsDocsCommand } from "./docs/index.ts";
import { eventsExportCommand } from "./export.ts";
import { eventsDlqCommand } from "./failures/dlq.ts";
import { eventsFailedCommand } from "./failures/failed.ts";
import { eventsRetryCommand } from "./failures/retry.ts";
import { eventsRetryCandidatesCommand } from "./failures/retry-candidates.ts";
import { eventsMetricsCommand } from "./metrics.ts";
import { eventsPackCommand } from "./pack.ts";
import { eventsPrometheusCommand } from "./prometheus.ts";
import { eventsPublishCommand } from "./publish.ts";
import { eventsRegistryCommand } from "./registry/index.ts";
import { eventsReplayCommand } from "./replay.ts";
import { eventsScaffoldCommand } from "./scaffold.ts";
import { eventsStatusCommand } from "./status.ts";
import { eventsSubscribeCommand } from "./subscribe.ts";
import { eventsTailCommand } from "./tail.ts";
import { eventsTopicsCommand } from "./topics.ts";
import { eventsValidateCommand } from "./validate.ts";

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
