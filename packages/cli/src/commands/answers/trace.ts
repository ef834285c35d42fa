import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { assembleTrace, gatherTrace, type Trace, traceAsOtlp } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseTime } from "../../options/parse-time.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { openOutput } from "../../terminal/output-file.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { drawTrace } from "./draw-trace.ts";

interface TraceOptions extends StateOptions {
  readonly since?: number;
  readonly otlp?: string;
  readonly force?: boolean;
}

const DAY_MS = 86_400_000;

export function traceCommand(terminal: Terminal): Command {
  return new Command("trace")
    .description("the events that an event caused, over all subnets: times of storage, handlers and results")
    .argument("<id>", "id of an event, or the correlation id of several")
    .option(
      "--since <time>",
      "for a correlation id that is no event id: search from then on (default: 24h)",
      parseTime,
    )
    .option("--otlp <file>", "write one OTLP JSON document, which Jaeger's page opens; - for output")
    .option("--force", "overwrite the file")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nIt is read from the streams: no tracing backend is needed. Exit code 69 when a server does not answer.",
    )
    .addHelpText("after", "\nExample:\n  adaos trace EVT-20260105-093000-0123456789ab --otlp trace.json")
    .action((id: string, options: TraceOptions) => trace(id, options, terminal));
}

async function trace(id: string, options: TraceOptions, terminal: Terminal): Promise<void> {
  const { servers } = readLayout(resolveStateDir(options.state));
  const { away, isCut, ...facts } = await gatherTrace(servers, id, options.since ?? Date.now() - DAY_MS);
  const assembled = assembleTrace(facts);
  if (options.otlp !== undefined) await writeOtlp(assembled, options.otlp, options.force === true, terminal);
  else if (options.json === true) terminal.out(visibleJson(assembled));
  else for (const line of drawTrace(assembled)) terminal.out(line);
  if (isCut) terminal.say("the trace is longer: only its beginning is shown");
  for (const { of, reason } of away) terminal.say(`left out ${of}: ${reason}`);
  if (away.length > 0) process.exitCode = EXIT_CODES.unavailable;
}

async function writeOtlp(assembled: Trace, file: string, force: boolean, terminal: Terminal): Promise<void> {
  const output = await openOutput(file, force, terminal);
  try {
    await output.line(visibleJson(traceAsOtlp(assembled)));
    await output.done();
  } catch (thrown) {
    await output.discard();
    throw thrown;
  }
  if (file !== "-") terminal.say(`${file}: ${assembled.events} events`);
}
