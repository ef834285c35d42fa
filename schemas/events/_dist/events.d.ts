// Generated from registry.yaml and its schemas by adaos events registry generate. Do not edit.
// Of sha256:c88392dcd91691f03adbae3ca46c7ff50a09f6479c2fd4df9b594ea72c06666d
import "@adaos/core";

/**
 * A service is connected to its database.
 */
export interface InfraDatabaseConnectionEstablishedV1 {
  /**
   * Where the database serves.
   */
  environment: "production" | "staging" | "local" | "development";
  /**
   * What kind of database it is.
   */
  database_type: "turso" | "sqlite" | "redis";
  /**
   * How many connections the pool holds.
   */
  connection_pool_size: number;
  /**
   * When it was connected, in UTC; where absent, the time of the event.
   */
  timestamp?: string;
}

/**
 * A service is connected to its database.
 */
export interface InfraDatabaseConnectionEstablishedV2 {
  /**
   * Where the database serves.
   */
  environment: "production" | "staging" | "local" | "development";
  /**
   * What kind of database it is.
   */
  database_type: "postgresql" | "redis" | "sqlite" | "turso" | "nats" | "http" | "tcp";
  /**
   * How many connections the pool holds.
   */
  connection_pool_size: number;
  /**
   * Name of the probe that has looked, where one has.
   */
  probe?: string;
  /**
   * Names the kind of database in this environment; made of these two alone.
   */
  aggregate_id?: string;
  /**
   * When it was connected, in UTC; where absent, the time of the event.
   */
  timestamp?: string;
}

/**
 * A service could not connect to its database.
 */
export interface InfraDatabaseConnectionFailedV1 {
  /**
   * Where the database serves.
   */
  environment: "production" | "staging" | "local" | "development";
  /**
   * What kind of database it is.
   */
  database_type?: "turso" | "sqlite" | "redis";
  /**
   * Why, for people. Never a password or a connection string.
   */
  error_message: string;
  /**
   * How often it had been tried again before.
   */
  retry_count?: number;
  /**
   * When it failed, in UTC; where absent, the time of the event.
   */
  timestamp?: string;
}

/**
 * A service could not connect to its database, or has lost the connection.
 */
export interface InfraDatabaseConnectionFailedV2 {
  /**
   * Where the database serves.
   */
  environment: "production" | "staging" | "local" | "development";
  /**
   * What kind of database it is.
   */
  database_type?: "postgresql" | "redis" | "sqlite" | "turso" | "nats" | "http" | "tcp";
  /**
   * Why, for people. Never a password or a connection string.
   */
  error_message: string;
  /**
   * How often it had been tried again before.
   */
  retry_count?: number;
  /**
   * Name of the probe that has looked, where one has.
   */
  probe?: string;
  /**
   * Names the kind of database in this environment; made of these two alone.
   */
  aggregate_id?: string;
  /**
   * When it failed, in UTC; where absent, the time of the event.
   */
  timestamp?: string;
}

/**
 * The health of a database was looked at.
 */
export interface InfraDatabaseHealthCheckedV1 {
  /**
   * How it is; anything but healthy is for somebody to look at.
   */
  status: "healthy" | "degraded" | "unhealthy";
  /**
   * How long the database took to answer, in milliseconds.
   */
  latency_ms: number;
  /**
   * Where the database serves.
   */
  environment?: "production" | "staging" | "local" | "development";
  /**
   * What kind of database it is.
   */
  database_type?: "turso" | "sqlite" | "redis";
  /**
   * When it was looked at, in UTC; where absent, the time of the event.
   */
  timestamp?: string;
  /**
   * What else was measured, for example query_count and error_rate.
   */
  details?: {
    [k: string]: unknown;
  };
}

/**
 * The health of a database was looked at, and is another one than before.
 */
export interface InfraDatabaseHealthCheckedV2 {
  /**
   * How it is; anything but healthy is for somebody to look at.
   */
  status: "healthy" | "degraded" | "unhealthy";
  /**
   * How long the database took to answer, in milliseconds.
   */
  latency_ms: number;
  /**
   * Where the database serves.
   */
  environment?: "production" | "staging" | "local" | "development";
  /**
   * What kind of database it is.
   */
  database_type?: "postgresql" | "redis" | "sqlite" | "turso" | "nats" | "http" | "tcp";
  /**
   * Name of the probe that has looked, where one has.
   */
  probe?: string;
  /**
   * Names the kind of database in this environment; made of these two alone.
   */
  aggregate_id?: string;
  /**
   * When it was looked at, in UTC; where absent, the time of the event.
   */
  timestamp?: string;
  /**
   * What else was measured, for example query_count and error_rate.
   */
  details?: {
    [k: string]: unknown;
  };
}

/**
 * What a hub or the root had found wrong is over.
 */
export interface MeshAlertClearedV1 {
  /**
   * Which alert: its rule, and the places that tell it from others of that rule.
   */
  alert: string;
  /**
   * Its rule, as a collector calls it.
   */
  rule: string;
  /**
   * critical: somebody should look now; warning: today.
   */
  severity: "critical" | "warning";
  /**
   * Who has judged it.
   */
  node: string;
  /**
   * The places, by their names.
   */
  labels: {
    [k: string]: string;
  };
  /**
   * What is wrong, in one sentence.
   */
  summary: string;
  /**
   * Since when it is so.
   */
  since: string;
  /**
   * When it was found to be over.
   */
  cleared_at: string;
}

/**
 * A hub or the root has found something wrong.
 */
export interface MeshAlertRaisedV1 {
  /**
   * Which alert: its rule, and the places that tell it from others of that rule.
   */
  alert: string;
  /**
   * Its rule, as a collector calls it.
   */
  rule: string;
  /**
   * critical: somebody should look now; warning: today.
   */
  severity: "critical" | "warning";
  /**
   * Who has judged it.
   */
  node: string;
  /**
   * The places, by their names.
   */
  labels: {
    [k: string]: string;
  };
  /**
   * What is wrong, in one sentence.
   */
  summary: string;
  /**
   * Since when it is so.
   */
  since: string;
  /**
   * By what it was found.
   */
  cause: string;
  /**
   * The one command to look.
   */
  look: string;
}

/**
 * An operator has done something that changes or destroys.
 */
export interface MeshAuditRecordedV1 {
  /**
   * The command, its words joined by dots.
   */
  action: string;
  /**
   * The user and the machine, as that machine calls them.
   */
  who: string;
  /**
   * What it was done to, in words.
   */
  what: string;
  /**
   * When it was begun.
   */
  began_at: string;
  /**
   * When it had ended; not given where its process died before it could say.
   */
  ended_at?: string;
  /**
   * done: all of it; partly: some of it; failed: none of it; unknown: its process died before it could say.
   */
  outcome: "done" | "partly" | "failed" | "unknown";
  /**
   * How many it was done to.
   */
  count: number;
  /**
   * How many it could not be done to.
   */
  failed?: number;
  /**
   * Why it ended early.
   */
  error?: string;
}

/**
 * An event could not be handled and lies among the dead letters.
 */
export interface MeshDeliveryDeadLetteredV1 {
  /**
   * By which it is found among the dead letters, for example with adaos events detail.
   */
  dead_letter_id: string;
  /**
   * Whose handler it was: subnet and node.
   */
  node: string;
  /**
   * Which durable of the node.
   */
  durable: string;
  /**
   * The event and its version, for example ui.notify@1.
   */
  event: string;
  /**
   * Which event; as its publisher named it.
   */
  event_id: string;
  /**
   * How often its handler ran.
   */
  attempts: number;
  /**
   * Why, in one sentence.
   */
  reason: string;
  /**
   * Dead letters of the subnet since the event before that came too fast to have events of their own.
   */
  unreported?: number;
}

/**
 * A link between a subnet and the root carries no events any more.
 */
export interface MeshLinkDownV1 {
  /**
   * Whose link it is.
   */
  subnet: string;
  /**
   * up carries what the subnet exports to the root, down what it imports.
   */
  direction: "up" | "down";
  /**
   * Why, in one sentence.
   */
  reason: string;
  /**
   * Since when nothing is carried.
   */
  since?: string;
}

/**
 * A link between a subnet and the root carries events.
 */
export interface MeshLinkUpV1 {
  /**
   * Whose link it is.
   */
  subnet: string;
  /**
   * up carries what the subnet exports to the root, down what it imports.
   */
  direction: "up" | "down";
  /**
   * How many events wait to be carried.
   */
  waiting?: number;
}

/**
 * All parts of a daemon are ready.
 */
export interface MeshNodeReadyV1 {
  /**
   * Which node: its subnet and name, or root.
   */
  node: string;
  /**
   * What the daemon does.
   */
  role: "root" | "hub" | "member";
  /**
   * Version of the daemon's software.
   */
  version?: string;
  /**
   * From the start of the process until it was ready, in milliseconds.
   */
  duration_ms?: number;
}

/**
 * Somebody wanted what policy does not allow.
 */
export interface MeshPolicyDeniedV1 {
  /**
   * Where it was denied: at the hub (publish, subscribe, reply) or on a link (export, import).
   */
  hop: "publish" | "subscribe" | "reply" | "export" | "import";
  /**
   * Whose doing it was: a member, or a subnet.
   */
  node: string;
  /**
   * The event or the pattern that was denied.
   */
  event: string;
  /**
   * The subnet in which it was published, of an event that another one does not import.
   */
  from?: string;
  /**
   * Id of the event that was denied, where there is one; of several the last.
   */
  event_id?: string;
  /**
   * Id of the rule that denied it; default-deny when no rule allows it.
   */
  rule: string;
  /**
   * Why, in one sentence.
   */
  reason: string;
  /**
   * How often since the last time that this was told.
   */
  count: number;
  /**
   * When the first of these was denied.
   */
  since: string;
}

/**
 * A stream is not what it was: it was lost, cut, given numbers again, or made anew.
 */
export interface MeshStoreDamagedV1 {
  /**
   * The daemon that has found it, beside the server whose store it is.
   */
  node: string;
  /**
   * Name of the stream.
   */
  stream: string;
  /**
   * missing: it was not there and was made anew; recreated: another one of its name was there, perhaps with what its blocks still held; cut: its end is gone; rewound: its end is gone and other messages have its numbers; holes: messages within it, or at its beginning, are gone.
   */
  kind: "missing" | "recreated" | "cut" | "rewound" | "holes";
  /**
   * When it was found.
   */
  found_at: string;
  /**
   * How many messages are gone. Of a stream that several tenants share it is not told.
   */
  lost?: number;
  /**
   * Place of the first message that is gone, where one is.
   */
  first_seq?: number;
  /**
   * Place of the last message that is gone. Messages between first and last may still be there.
   */
  last_seq?: number;
  /**
   * Durables that were made anew and go on where they stood; of more than 50 the first.
   *
   * @maxItems 50
   */
  durables?: string[];
  /**
   * Who brings back what other streams still hold: the root for a hub's events, the hubs for the root's.
   */
  refilled_by: "root" | "hubs" | "nobody";
}

/**
 * What a user wants, as understood from speech or text.
 */
export interface NlpIntentDetectedV1 {
  /**
   * What the user wants, for example lights.on.
   */
  intent: string;
  /**
   * Named parts of the utterance, as said; empty when there are none.
   */
  slots: {
    [k: string]: string;
  };
  /**
   * BCP 47 tag of the language spoken, for example ru-RU.
   */
  locale: string;
  /**
   * How sure the recognizer is: 0 not at all, 1 fully.
   */
  confidence?: number;
}

/**
 * Asks a node to install a skill. Installing what is there already changes nothing.
 */
export interface RepoSkillInstallV1 {
  /**
   * Name of the skill in its repository.
   */
  skill: string;
  /**
   * Version to install; the newest where absent.
   */
  version?: string;
  /**
   * Repository the skill comes from; the node's default one where absent.
   */
  source?: string;
  /**
   * Digest of the skill's files, as adaos skill check prints it; a node that installs from its disk needs it.
   */
  digest?: string;
}

/**
 * Answer to repo.skill.install.
 */
export interface RepoSkillInstallResultV1 {
  /**
   * Name of the skill in its repository.
   */
  skill: string;
  /**
   * How it ended; unchanged means that this version was there already.
   */
  status: "installed" | "unchanged" | "failed";
  /**
   * Version that is there now.
   */
  version?: string;
  /**
   * Why it failed; with the status failed only.
   */
  error?: {
    /**
     * For programs: a word that stays the same.
     */
    code: string;
    /**
     * For people.
     */
    message: string;
  };
}

/**
 * A skill was installed on the node that says so.
 */
export interface RepoSkillInstalledV1 {
  /**
   * Name of the skill in its repository.
   */
  skill: string;
  /**
   * Version that is there now.
   */
  version: string;
  /**
   * Repository the skill comes from; the node's default one where absent.
   */
  source?: string;
  /**
   * Version that was there before, if any.
   */
  previous_version?: string;
}

/**
 * A scenario has ended, well or badly.
 */
export interface ScenarioCompletedV1 {
  /**
   * Name of the scenario.
   */
  name: string;
  /**
   * How it ended.
   */
  status: "succeeded" | "failed" | "cancelled";
  /**
   * From its start to its end, in milliseconds.
   */
  duration_ms?: number;
  /**
   * Why it failed, for people.
   */
  error?: string;
}

/**
 * Asks a node to run one of its scenarios.
 */
export interface ScenarioRunV1 {
  /**
   * Name of the scenario.
   */
  name: string;
  /**
   * What the scenario is given; it says itself what it takes.
   */
  args?: {
    [k: string]: unknown;
  };
}

/**
 * A node has started and takes part in the mesh.
 */
export interface SystemBootCompletedV1 {
  /**
   * Name of the node.
   */
  node: string;
  /**
   * Version of the node's software.
   */
  version?: string;
  /**
   * From the start of the process until the node took part, in milliseconds.
   */
  duration_ms?: number;
}

/**
 * A timer has fired. It may arrive late, when the node was away at its time.
 */
export interface TimerTickV1 {
  /**
   * Id of the timer that fired.
   */
  timer: string;
  /**
   * When it was due.
   */
  scheduled_at: string;
  /**
   * What it follows: a cron expression, an interval or one point in time.
   */
  schedule?: string;
  /**
   * How many times it has fired, this one included.
   */
  count?: number;
}

/**
 * Something to tell the user, on a screen or by voice.
 */
export interface UiNotifyV1 {
  /**
   * What to tell.
   */
  text: string;
  /**
   * Heading for screens.
   */
  title?: string;
  /**
   * How much it matters.
   */
  level?: "info" | "warning" | "error";
  /**
   * Which device should show it, for example speaker.kitchen; all where absent.
   */
  target?: string;
  /**
   * BCP 47 tag of the language of the text.
   */
  locale?: string;
}

declare module "@adaos/core" {
  interface EventMap {
    "infra.database.connection.established@1": InfraDatabaseConnectionEstablishedV1;
    "infra.database.connection.established@2": InfraDatabaseConnectionEstablishedV2;
    "infra.database.connection.failed@1": InfraDatabaseConnectionFailedV1;
    "infra.database.connection.failed@2": InfraDatabaseConnectionFailedV2;
    "infra.database.health.checked@1": InfraDatabaseHealthCheckedV1;
    "infra.database.health.checked@2": InfraDatabaseHealthCheckedV2;
    "mesh.alert.cleared@1": MeshAlertClearedV1;
    "mesh.alert.raised@1": MeshAlertRaisedV1;
    "mesh.audit.recorded@1": MeshAuditRecordedV1;
    "mesh.delivery.dead_lettered@1": MeshDeliveryDeadLetteredV1;
    "mesh.link.down@1": MeshLinkDownV1;
    "mesh.link.up@1": MeshLinkUpV1;
    "mesh.node.ready@1": MeshNodeReadyV1;
    "mesh.policy.denied@1": MeshPolicyDeniedV1;
    "mesh.store.damaged@1": MeshStoreDamagedV1;
    "nlp.intent.detected@1": NlpIntentDetectedV1;
    "repo.skill.install@1": RepoSkillInstallV1;
    "repo.skill.install.result@1": RepoSkillInstallResultV1;
    "repo.skill.installed@1": RepoSkillInstalledV1;
    "scenario.completed@1": ScenarioCompletedV1;
    "scenario.run@1": ScenarioRunV1;
    "system.boot.completed@1": SystemBootCompletedV1;
    "timer.tick@1": TimerTickV1;
    "ui.notify@1": UiNotifyV1;
  }
}
