import type { Command } from "commander";
import type { Terminal } from "../terminal/terminal.ts";
import { POLICY_COMMANDS } from "./policy/index.ts";
import { REGION_COMMANDS } from "./region/index.ts";
import { SCENARIO_COMMANDS } from "./scenario/index.ts";
import { SKILL_COMMANDS } from "./skill/index.ts";
import { STORE_COMMANDS } from "./store/index.ts";
import { TIMER_COMMANDS } from "./timer/index.ts";

export type MakeCommand = (terminal: Terminal) => Command;

/** A command, or a group of commands; help one level up shows the summary. */
export type CommandEntry =
  | { readonly summary: string; readonly load: () => Promise<MakeCommand>; readonly hidden?: boolean }
  | { readonly summary: string; readonly commands: CommandTree };

export type CommandTree = Readonly<Record<string, CommandEntry>>;

/**
 * Every command of `adaos`. Only the file of the command that is asked for is loaded. Help of a group needs the
 * summaries alone, and a test holds them against what each command says of itself.
 */
export const COMMANDS: CommandTree = {
  init: {
    summary: "begin your own mesh: mesh file, registry with one event, example program",
    load: async () => (await import("./mesh/init.ts")).initCommand,
  },
  up: {
    summary: "start a mesh on this machine: its servers and all its daemons",
    load: async () => (await import("./mesh/up.ts")).upCommand,
  },
  provision: {
    summary: "write keys, server configs and node files of a mesh, and start nothing",
    load: async () => (await import("./mesh/provision.ts")).provisionCommand,
  },
  down: {
    summary: "stop the mesh of a state folder; stored events stay",
    load: async () => (await import("./mesh/down.ts")).downCommand,
  },
  status: {
    summary: "servers, nodes and links; exit code 0 when all are ready, else 69",
    load: async () => (await import("./mesh/status.ts")).statusCommand,
  },
  view: {
    summary: "open the live viewer in a browser: events, mesh, dead letters, scenarios, policy, health",
    load: async () => (await import("./view/view.ts")).viewCommand,
  },
  health: {
    summary: "health of probed databases and services; exit code 0 when all are healthy, else 69",
    load: async () => (await import("./health/health.ts")).healthCommand,
  },
  slo: {
    summary: "answers of probes against their objective: P95 below 200 ms; exit code 69 when missed",
    load: async () => (await import("./health/slo.ts")).sloCommand,
  },
  why: {
    summary:
      "why an event did not arrive: for each durable a verdict, the rule or error, and the next command",
    load: async () => (await import("./answers/why.ts")).whyCommand,
  },
  trace: {
    summary: "the events that an event caused, over all subnets: times of storage, handlers and results",
    load: async () => (await import("./answers/trace.ts")).traceCommand,
  },
  doctor: {
    summary:
      "the faults of a mesh, with reason and repairing command; exit code 0 when it is healthy, else 1",
    load: async () => (await import("./answers/doctor.ts")).doctorCommand,
  },
  upgrade: {
    summary: "what an upgrade of this machine to the installed adaos would do",
    commands: {
      check: {
        summary: "whether it is ready, and the order of restarts; exit code 0 when it is, else 69 or 78",
        load: async () => (await import("./upgrade/check.ts")).upgradeCheckCommand,
      },
    },
  },
  ledger: {
    summary:
      "the fate of each event at each durable, added up, and the ids of missing events; exit code 1 when any is missing",
    load: async () => (await import("./answers/ledger.ts")).ledgerCommand,
  },
  audit: {
    summary: "the audit trail: purges, replays, applies, joins and rotations, with user, time and number",
    load: async () => (await import("./answers/audit.ts")).auditCommand,
  },
  events: {
    summary: "publish and watch events, manage failed events and the registry",
    commands: {
      publish: {
        summary: "publish one event as a member",
        load: async () => (await import("./events/publish.ts")).eventsPublishCommand,
      },
      subscribe: {
        summary: "take events as a member, one envelope a line; printed events are acknowledged",
        load: async () => (await import("./events/subscribe.ts")).eventsSubscribeCommand,
      },
      tail: {
        summary: "print events as they are stored, one envelope a line",
        load: async () => (await import("./events/tail.ts")).eventsTailCommand,
      },
      topics: {
        summary: "one line per event type: number stored, publishers, and status in the registry",
        load: async () => (await import("./events/topics.ts")).eventsTopicsCommand,
      },
      docs: {
        summary: "documents about the events of a registry",
        commands: {
          build: {
            summary:
              "write a page per event (Markdown and a site to browse), AsyncAPI, and OpenAPI of the commands",
            load: async () => (await import("./events/docs/build.ts")).eventsDocsBuildCommand,
          },
        },
      },
      status: {
        summary: "failures and backlogs at a glance; exit code 69 when a subnet does not answer",
        load: async () => (await import("./events/status.ts")).eventsStatusCommand,
      },
      failed: {
        summary: "events that a handler has failed for good, one line each, newest last",
        load: async () => (await import("./events/failures/failed.ts")).eventsFailedCommand,
      },
      "retry-candidates": {
        summary: "dead letters that another attempt may handle: transient failures, then unknown ones",
        load: async () =>
          (await import("./events/failures/retry-candidates.ts")).eventsRetryCandidatesCommand,
      },
      detail: {
        summary: "everything known about one event: its streams, its handling, its dead letters",
        load: async () => (await import("./events/detail.ts")).eventsDetailCommand,
      },
      retry: {
        summary: "give single dead letters to the handlers that failed, once more and now",
        load: async () => (await import("./events/failures/retry.ts")).eventsRetryCommand,
      },
      replay: {
        summary: "deliver events of the past to one durable again, in order",
        load: async () => (await import("./events/replay.ts")).eventsReplayCommand,
      },
      registry: {
        summary: "manage the registry of contracts, and compare it with the running mesh",
        commands: {
          lint: {
            summary: "report every fault of a registry: index, schemas, examples, generated files",
            load: async () => (await import("./events/registry/lint.ts")).registryLintCommand,
          },
          generate: {
            summary:
              "write the generated files of a registry: the index for programs, and the TypeScript types",
            load: async () => (await import("./events/registry/generate.ts")).registryGenerateCommand,
          },
          import: {
            summary:
              "make drafts from other descriptions of events: JSON Schemas, AsyncAPI 2 and 3, CloudEvents",
            load: async () => (await import("./events/registry/import.ts")).registryImportCommand,
          },
          diff: {
            summary:
              "the changes between two registries, and the readers or publishers that break; exits with 78 when any breaks",
            load: async () => (await import("./events/registry/diff.ts")).registryDiffCommand,
          },
          release: {
            summary: "record the registry as released: lint then refuses changes that break it",
            load: async () => (await import("./events/registry/release.ts")).registryReleaseCommand,
          },
          drift: {
            summary:
              "declared producers and consumers that were never seen, and undeclared ones that were seen",
            load: async () => (await import("./events/registry/drift.ts")).eventsRegistryDriftCommand,
          },
          check: {
            summary: "how many events of the mesh's streams a registry would refuse at their receivers",
            load: async () => (await import("./events/registry/check.ts")).eventsRegistryCheckCommand,
          },
        },
      },
      export: {
        summary: "write an error report to a file",
        load: async () => (await import("./events/export.ts")).eventsExportCommand,
      },
      dlq: {
        summary: "dead letters: events that no handler could handle",
        load: async () => (await import("./events/failures/dlq.ts")).eventsDlqCommand,
      },
      metrics: {
        summary: "counts of published and handled events, their outcomes and latency",
        load: async () => (await import("./events/metrics.ts")).eventsMetricsCommand,
      },
      prometheus: {
        summary: "the metrics in Prometheus' text format, for a textfile collector",
        load: async () => (await import("./events/prometheus.ts")).eventsPrometheusCommand,
      },
      scaffold: {
        summary:
          "begin a contract: its folder with schema, examples and test, and its record in the registry",
        load: async () => (await import("./events/scaffold.ts")).eventsScaffoldCommand,
      },
      validate: {
        summary:
          "validate events by the registry, as publisher and consumer would; exit code 65 when one is not valid",
        load: async () => (await import("./events/validate.ts")).eventsValidateCommand,
      },
      pack: {
        summary:
          "write the registry as a pack for a language model: rules, schemas, examples, snippets, fixtures",
        load: async () => (await import("./events/pack.ts")).eventsPackCommand,
      },
    },
  },
  durables: {
    summary: "how far members are with their events: list durables, delete them, move them",
    commands: {
      list: {
        summary: "the durables of members: pattern, pending events, last activity",
        load: async () => (await import("./durables/list.ts")).durablesListCommand,
      },
      delete: {
        summary: "delete durables: their pending events are no longer delivered to them",
        load: async () => (await import("./durables/change.ts")).durablesDeleteCommand,
      },
      reset: {
        summary: "let durables go on from another place in their stream",
        load: async () => (await import("./durables/change.ts")).durablesResetCommand,
      },
    },
  },
  timer: {
    summary: "events at certain times: add timers, look at them, pause and trigger them",
    commands: TIMER_COMMANDS,
  },
  scenario: {
    summary: "what a mesh does by itself: write and test scenarios, run them, look at their runs",
    commands: SCENARIO_COMMANDS,
  },
  skill: {
    summary: "programs of a member that handle events: begin skills, try them, run them, look at them",
    commands: SKILL_COMMANDS,
  },
  metrics: {
    summary: "scrape the daemons of a mesh; adaos events metrics prints its members' counters",
    commands: {
      targets: {
        summary: "where the daemons of this machine are scraped, for Prometheus' file service discovery",
        load: async () => (await import("./metrics/targets.ts")).metricsTargetsCommand,
      },
    },
  },
  alerts: {
    summary: "the alerts that hubs and root have raised: since when, why, and the command for a closer look",
    load: async () => (await import("./alerts/list.ts")).alertsCommand,
  },
  store: {
    summary: "whether streams still have their messages, the repair when they do not, and their encryption",
    commands: STORE_COMMANDS,
  },
  backup: {
    summary: "write the running mesh of this machine into one file, from which adaos restore makes it again",
    load: async () => (await import("./backup/take.ts")).backupCommand,
  },
  restore: {
    summary: "make a mesh again from a backup, in a new state folder; adaos up starts it",
    load: async () => (await import("./backup/restore.ts")).restoreCommand,
  },
  registry: {
    summary: "the registry of the running mesh; adaos events registry manages its folder",
    commands: {
      apply: {
        summary:
          "put the registry's folder in force in the running mesh; exits with 78 when it would break publishers or readers",
        load: async () => (await import("./registry/apply.ts")).registryApplyCommand,
      },
    },
  },
  chaos: {
    summary: "do harm to a mesh on purpose, to see that it recovers by itself and loses nothing",
    commands: {
      inject: {
        summary: "inject faults into a running mesh, one after the other, and report how it recovered",
        load: async () => (await import("./chaos/inject.ts")).chaosInjectCommand,
      },
      check: {
        summary:
          "let events flow, and report lost, doubled and unordered ones; exit code 70 when there are any",
        load: async () => (await import("./chaos/check.ts")).chaosCheckCommand,
      },
      stress: {
        summary: "ask every daemon for its health, again and again, and report the answers",
        load: async () => (await import("./chaos/stress.ts")).chaosStressCommand,
      },
      faults: {
        summary: "the faults there are, and which of them happen unless others are named",
        load: async () => (await import("./chaos/faults.ts")).chaosFaultsCommand,
      },
    },
  },
  policy: {
    summary: "rights to publish, subscribe, export and import: check, ask, test, change them",
    commands: POLICY_COMMANDS,
  },
  mcp: {
    summary: "serve the registry to language models: the Model Context Protocol on standard input and output",
    load: async () => (await import("./mcp.ts")).mcpCommand,
  },
  node: {
    summary: "run one daemon in the foreground; add and remove members, rotate keys of a running mesh",
    commands: {
      root: {
        summary: "run a root daemon, as systemd or a container would",
        load: async () => (await import("./node/run.ts")).runRootCommand,
      },
      hub: {
        summary: "run a subnet's hub daemon",
        load: async () => (await import("./node/run.ts")).runHubCommand,
      },
      member: {
        summary: "run a member's daemon",
        load: async () => (await import("./node/run.ts")).runMemberCommand,
      },
      add: {
        summary: "add a member to the mesh file and to the mesh that runs: key, rights and daemon",
        load: async () => (await import("./node/members.ts")).nodeAddCommand,
      },
      remove: {
        summary:
          "take a member out of the mesh file and the mesh that runs: its key opens nothing from then on",
        load: async () => (await import("./node/members.ts")).nodeRemoveCommand,
      },
      rotate: {
        summary: "give a node another key: it takes it up by itself, the old key opens nothing any more",
        load: async () => (await import("./node/members.ts")).nodeRotateCommand,
      },
    },
  },
  join: {
    summary: "join the mesh of another machine by a code that was made there with adaos join create",
    load: async () => (await import("./join/index.ts")).joinCommand,
  },
  region: {
    summary: "exchange events with other meshes, root to root: this root's keys, and how the links are",
    commands: REGION_COMMANDS,
  },
  bridge: {
    summary: "carry events between the mesh and other systems",
    commands: {
      cloudevents: {
        summary:
          "carry CloudEvents 1.0 on subjects of a NATS server of yours into the mesh, and events out, until Ctrl-C",
        load: async () => (await import("./bridge/cloudevents.ts")).bridgeCloudEventsCommand,
      },
    },
  },
  install: {
    summary: "let the service manager of this machine run the mesh",
    commands: {
      systemd: {
        summary: "write units of systemd for the servers and daemons of this machine",
        load: async () => (await import("./install/systemd.ts")).installSystemdCommand,
      },
      "prepare-server": {
        summary: "before a unit starts a server: no supervisor runs it, and its config is whole",
        load: async () => (await import("./install/prepare-server.ts")).prepareServerCommand,
        hidden: true,
      },
    },
  },
  uninstall: {
    summary: "take the mesh out of the service manager; its data stays",
    commands: {
      systemd: {
        summary: "stop and remove the units that adaos install systemd has written; the state folder stays",
        load: async () => (await import("./install/uninstall-systemd.ts")).uninstallSystemdCommand,
      },
    },
  },
  completion: {
    summary: "print the script by which a shell completes commands and options",
    load: async () => (await import("./completion.ts")).completionCommand,
  },
  demo: {
    summary: "start the default mesh and send a few events across it",
    load: async () => (await import("./mesh/demo.ts")).demoCommand,
    hidden: true,
  },
};
