export { type AuditEntry, auditLog } from "./audit/audit-log.ts";
export type { AuditedAct } from "./audit/audit-record.ts";
export { AuditTrail, type Tally, waitingRecords } from "./audit/audit-trail.ts";
export {
  type DurableName,
  type DurableRow,
  type DurableStart,
  deleteDurable,
  findIdleDurable,
  formatDurableName,
  memberDurables,
  parseDurableName,
  resetDurable,
} from "./change-durables.ts";
export {
  type DeadLetterSummary,
  deadLetters,
  failedLetters,
  foundLetters,
  type KeptDeadLetter,
  parkedWaits,
  summaryOf,
} from "./dead-letters/dead-letters.ts";
export { inFlight } from "./dead-letters/in-flight.ts";
export { replayLetters } from "./dead-letters/replay-letters.ts";
export { replayedLetters } from "./dead-letters/replayed-letters.ts";
export { type DurableState, durables } from "./durables.ts";
export { askFlow, type DurableFlow, type FlowLook, type SubnetFlow } from "./flow/ask-flow.ts";
export { type FlowRates, flowRates, perSecond } from "./flow/flow-rates.ts";
export { type ProbeEvent, probeEvents } from "./health/probe-events.ts";
export {
  type AwayServer,
  hubServers,
  type OpenServer,
  withAnswering,
  withEach,
  withServers,
} from "./hubs.ts";
export { FATES, type LedgerRow } from "./ledger/balance.ts";
export { gatherLedger, type LedgerWitnesses } from "./ledger/gather-ledger.ts";
export { EventMask } from "./mask/event-mask.ts";
export { Newest } from "./newest.ts";
export { operatorSignatures } from "./operator-signatures.ts";
export { withAllViolations } from "./registry/all-violations.ts";
export { type Drift, driftOf, type SeenDurable, SeenProducers } from "./registry/drift.ts";
export { PastFailures } from "./registry/past-failures.ts";
export { readSeen, type Seen, type SeenOptions } from "./registry/read-seen.ts";
export { pastEvents, type ReplayPlan, type Survey, surveyPast } from "./replay/past.ts";
export { ReplayRun, roomFor } from "./replay/replay-run.ts";
export { findTarget, narrowed, parseOrigin } from "./replay/replay-target.ts";
export { type AskOutcome, askScenario } from "./runs/ask-scenario.ts";
export { type ComparedRuns, compareRuns } from "./runs/compare-runs.ts";
export {
  assertRunId,
  findActiveRun,
  findRun,
  lastRun,
  tenantOf,
  textOnThisMachine,
} from "./runs/find-runs.ts";
export { isFailed, planRetries, retryStep } from "./runs/plan-retry.ts";
export {
  type RunReport,
  reportRun,
  reportSkip,
  reportWholeRun,
  type SkipReport,
  type StepReport,
  type TriggerReport,
  timeText,
  type WholeRunReport,
} from "./runs/run-report.ts";
export {
  activeRuns,
  endedRuns,
  formatScenarioName,
  type NamedRun,
  type OfScenario,
  parseScenarioName,
  type ScenarioFilter,
  type ScenarioName,
  type StoredScenarioState,
  scenarioStates,
  skippedRuns,
  unendedRuns,
} from "./runs/stored-runs.ts";
export {
  type ScenarioStand,
  scenarioStand,
  type TriggerOutcome,
  triggerOutcomes,
} from "./runs/why-scenario.ts";
export type { EventConsumer } from "./standing/event-consumer.ts";
export { type KnownEvent, lookUpEvent } from "./stored/event-lookup.ts";
export { type CountedFailures, FailureCounts } from "./stored/failure-counts.ts";
export type { FailureFilter } from "./stored/failure-filter.ts";
export { eventAt, timeOfEventId } from "./stored/find-stored.ts";
export { lastEventOf } from "./stored/last-event.ts";
export { processingRecords } from "./stored/processing-records.ts";
export { publishedPast } from "./stored/published-past.ts";
export { reportedProbes, storedMetrics } from "./stored-metrics.ts";
export {
  applyHeal,
  type HealStep,
  isDamaged,
  type KnownLoss,
  knownLosses,
  planHeal,
  type StoreRow,
  verifyStore,
} from "./stores/verify-stores.ts";
export { CHANGE_KINDS, type ChangeKind, type MeshChange } from "./timeline/change.ts";
export { gatherTimeline, type Timeline, type TimelineFilter } from "./timeline/gather-timeline.ts";
export { askTimers, parseTimerName, type TimerName, timersOf } from "./timers/ask-timers.ts";
export { type SubjectCount, subjectCounts, type Topic, topicsOf } from "./topics.ts";
export { assembleTrace } from "./trace/assemble-trace.ts";
export { gatherTrace } from "./trace/gather-trace.ts";
export type { Handling, Trace, TracedEvent } from "./trace/trace.ts";
export { traceAsOtlp } from "./trace/trace-as-otlp.ts";
export { undeclaredNote } from "./undeclared.ts";
export { decideWhy } from "./why/decide-why.ts";
export type {
  DurableFact,
  LinkFact,
  PolicyAnswer,
  SeenDenial,
  StreamFact,
  Verdict,
  VerdictWord,
  WhyFacts,
} from "./why/facts.ts";
export { gatherWhy, type WhyQuestion, type WhyWitnesses } from "./why/gather-why.ts";
export { type DenialGroup, groupDenials } from "./why/group-denials.ts";
export { seenDenials } from "./why/seen-denials.ts";
