import type { Command } from "commander";
import type { Terminal } from "../terminal/terminal.ts";

export type MakeCommand = (terminal: Terminal) => Command;

/** A command, or a group of them; a summary is what help tells of it one level up. */
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
    summary: "begin a mesh of your own: mesh file, registry with one event, example program",
    load: async () => (await import("./mesh/init.ts")).initCommand,
  },
  up: {
    summary: "start a mesh on this machine: its servers and all its daemons",
    load: async () => (await import("./mesh/up.ts")).upCommand,
  },
  down: {
    summary: "stop the mesh that runs from a state folder; what it has stored stays",
    load: async () => (await import("./mesh/down.ts")).downCommand,
  },
  status: {
    summary: "what runs where; exit code 0 when every server, node and link is ready, else 69",
    load: async () => (await import("./mesh/status.ts")).statusCommand,
  },
  health: {
    summary: "how what members probe is; exit code 0 when all of it is healthy, else 69",
    load: async () => (await import("./health/health.ts")).healthCommand,
  },
  slo: {
    summary: "how the answers of probes stand by their objective: P95 below 200 ms; exit code 69 when missed",
    load: async () => (await import("./health/slo.ts")).sloCommand,
  },
  why: {
    summary:
      "why an event did not arrive: one verdict a durable, by which rule or error, and what to do next",
    load: async () => (await import("./answers/why.ts")).whyCommand,
  },
  trace: {
    summary: "what an event has caused, over all subnets: when it came where, and who handled it how",
    load: async () => (await import("./answers/trace.ts")).traceCommand,
  },
  events: {
    summary: "publish and watch events, look after the ones that failed, and after the registry",
    commands: {
      publish: {
        summary: "publish one event as a member",
        load: async () => (await import("./events/publish.ts")).eventsPublishCommand,
      },
      subscribe: {
        summary: "take events as a member, one envelope a line; what is printed is acknowledged",
        load: async () => (await import("./events/subscribe.ts")).eventsSubscribeCommand,
      },
      tail: {
        summary: "print events as they are stored, one envelope a line",
        load: async () => (await import("./events/tail.ts")).eventsTailCommand,
      },
      topics: {
        summary: "one line per event type: how many are stored, from whom, and what the registry says",
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
        summary: "dead letters that another attempt may cure: transient ones, then those of unknown cause",
        load: async () =>
          (await import("./events/failures/retry-candidates.ts")).eventsRetryCandidatesCommand,
      },
      detail: {
        summary: "everything known of one event: where it lies, how its handling went, its dead letters",
        load: async () => (await import("./events/detail.ts")).eventsDetailCommand,
      },
      retry: {
        summary: "give single dead letters to the handlers that failed, once more and now",
        load: async () => (await import("./events/failures/retry.ts")).eventsRetryCommand,
      },
      replay: {
        summary: "give events of the past to one durable again, in order",
        load: async () => (await import("./events/replay.ts")).eventsReplayCommand,
      },
      registry: {
        summary: "look after the registry of contracts, and hold it against what the running mesh holds",
        commands: {
          lint: {
            summary:
              "tell everything that is wrong with a registry: index, schemas, examples, generated files",
            load: async () => (await import("./events/registry/lint.ts")).registryLintCommand,
          },
          generate: {
            summary: "write what is made from a registry: the index for programs, and the TypeScript types",
            load: async () => (await import("./events/registry/generate.ts")).registryGenerateCommand,
          },
          import: {
            summary:
              "make drafts of what describes events elsewhere: JSON Schemas, AsyncAPI 2 and 3, CloudEvents",
            load: async () => (await import("./events/registry/import.ts")).registryImportCommand,
          },
          diff: {
            summary:
              "what has changed between two registries, and whom it breaks; exits with 78 when it breaks anybody",
            load: async () => (await import("./events/registry/diff.ts")).registryDiffCommand,
          },
          release: {
            summary: "keep what is in a registry now as released: lint refuses what breaks it from then on",
            load: async () => (await import("./events/registry/release.ts")).registryReleaseCommand,
          },
          drift: {
            summary:
              "declared producers and consumers that were never seen, and those seen that are not declared",
            load: async () => (await import("./events/registry/drift.ts")).eventsRegistryDriftCommand,
          },
          check: {
            summary:
              "how many of the events that the mesh holds a registry would refuse, as who receives them",
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
        summary: "what was published and handled, how it ended, and how long it took",
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
        summary: "judge events by the registry, as publisher and consumer would; 65 when one is not valid",
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
        summary: "the durables of members: what each takes, how much it has left to do, when it last did any",
        load: async () => (await import("./durables/list.ts")).durablesListCommand,
      },
      delete: {
        summary: "delete durables that nobody needs: what they had left to do is not delivered to them",
        load: async () => (await import("./durables/change.ts")).durablesDeleteCommand,
      },
      reset: {
        summary: "let durables go on from another place in their stream",
        load: async () => (await import("./durables/change.ts")).durablesResetCommand,
      },
    },
  },
  metrics: {
    summary: "scrape the daemons of a mesh; adaos events metrics prints what its members counted",
    commands: {
      targets: {
        summary: "where the daemons of this machine are scraped, for Prometheus' file service discovery",
        load: async () => (await import("./metrics/targets.ts")).metricsTargetsCommand,
      },
    },
  },
  alerts: {
    summary: "what is wrong with the mesh as hubs and root judge it: since when, why, and where to look",
    load: async () => (await import("./alerts/list.ts")).alertsCommand,
  },
  store: {
    summary: "whether streams hold what they held, and what is to be done where they do not",
    commands: {
      verify: {
        summary: "whether each stream holds what it held; exits with 65 when one does not",
        load: async () => (await import("./store/verify.ts")).storeVerifyCommand,
      },
      heal: {
        summary: "make durables anew that a damaged stream has lost, or that would pass over its events",
        load: async () => (await import("./store/heal.ts")).storeHealCommand,
      },
    },
  },
  registry: {
    summary: "the registry that the running mesh works by; adaos events registry looks after its folder",
    commands: {
      apply: {
        summary:
          "put what is saved in the registry's folder in force in the mesh that runs; exits with 78 when it would break anybody",
        load: async () => (await import("./registry/apply.ts")).registryApplyCommand,
      },
    },
  },
  chaos: {
    summary: "do harm to a mesh on purpose, to see that it recovers by itself and loses nothing",
    commands: {
      inject: {
        summary: "do harm to a running mesh, one fault after the other, and tell how it recovered",
        load: async () => (await import("./chaos/inject.ts")).chaosInjectCommand,
      },
      check: {
        summary:
          "let events flow, and tell what was lost, doubled or out of order; exit code 70 when anything was",
        load: async () => (await import("./chaos/check.ts")).chaosCheckCommand,
      },
      stress: {
        summary: "ask every daemon for its health, again and again, and tell how they answered",
        load: async () => (await import("./chaos/stress.ts")).chaosStressCommand,
      },
      faults: {
        summary: "the faults there are, and which of them happen unless others are named",
        load: async () => (await import("./chaos/faults.ts")).chaosFaultsCommand,
      },
    },
  },
  policy: {
    summary: "who may publish, subscribe, export and import what: check it, ask it, test it, change it",
    commands: {
      check: {
        summary: "read a mesh file's policy, and warn of rules that decide nothing or mean no event",
        load: async () => (await import("./policy/check.ts")).policyCheckCommand,
      },
      explain: {
        summary:
          "may this pass? every question it is asked on its way, with the rule that answers; 77 when not",
        load: async () => (await import("./policy/explain.ts")).policyExplainCommand,
      },
      test: {
        summary:
          "run the cases kept beside a policy, and tell which rules no case would miss; 1 when a case fails",
        load: async () => (await import("./policy/test.ts")).policyTestCommand,
      },
      diff: {
        summary:
          "what a mesh file would change for the events of the registry, beside what the mesh runs with",
        load: async () => (await import("./policy/diff.ts")).policyDiffCommand,
      },
      compile: {
        summary: "the server configs and node files that a mesh file means, beside those in the state folder",
        load: async () => (await import("./policy/compile.ts")).policyCompileCommand,
      },
      apply: {
        summary: "bring a mesh file's policy to the mesh that runs, without stopping anything",
        load: async () => (await import("./policy/apply.ts")).policyApplyCommand,
      },
    },
  },
  mcp: {
    summary: "serve the registry to language models: the Model Context Protocol on standard input and output",
    load: async () => (await import("./mcp.ts")).mcpCommand,
  },
  node: {
    summary: "run one daemon in the foreground; add and remove members, rotate keys of a mesh that runs",
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
  bridge: {
    summary: "carry events between the mesh and what is not of it",
    commands: {
      cloudevents: {
        summary:
          "carry CloudEvents 1.0 on subjects of a NATS server of yours into the mesh, and events out, until Ctrl-C",
        load: async () => (await import("./bridge/cloudevents.ts")).bridgeCloudEventsCommand,
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
