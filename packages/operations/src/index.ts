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
export { changeLetters, type LetterChange, LetterCount } from "./dead-letters/change-letters.ts";
export {
  type DeadLetterSummary,
  deadLetters,
  failedLetters,
  type KeptDeadLetter,
  parkedWaits,
  summaryOf,
} from "./dead-letters/dead-letters.ts";
export { type FailedRecord, failedRecords } from "./dead-letters/failed-records.ts";
export { letterAt } from "./dead-letters/letter-at.ts";
export { isMatched, type LetterFilter, matchingLetters } from "./dead-letters/letter-filter.ts";
export { LetterPlan, letterPlace, type PlannedLetter, type Refused } from "./dead-letters/plan-letters.ts";
export {
  failedAgain,
  nextEventPlace,
  nextLetterPlace,
  unsettledDurables,
} from "./dead-letters/replay-outcome.ts";
export { readReplays, StoredReplays } from "./dead-letters/replayed-letters.ts";
export { type DurableState, durables } from "./durables.ts";
export { askFlow, type DurableFlow, type FlowLook, type SubnetFlow } from "./flow/ask-flow.ts";
export { type FlowRates, flowRates, perSecond } from "./flow/flow-rates.ts";
export { type FollowReports, followStream } from "./follow/follow-stream.ts";
export { addressOfStored, type OpenedStored, openStored } from "./follow/open-stored.ts";
export { type FollowFrom, type FollowGap, gapBetween, StreamReader } from "./follow/stream-reader.ts";
export { type ProbeEvent, probeEvents } from "./health/probe-events.ts";
export {
  type AwayServer,
  hubServers,
  type OpenServer,
  openWhenThere,
  withAnswering,
  withEach,
  withServers,
} from "./hubs.ts";
export { FATES, type LedgerRow } from "./ledger/balance.ts";
export { gatherLedger, type LedgerWitnesses } from "./ledger/gather-ledger.ts";
export { EventMask } from "./mask/event-mask.ts";
export { Newest } from "./newest.ts";
export { operatorSignatures } from "./operator-signatures.ts";
export { connectMember } from "./publish/connect-member.ts";
export { publishAs } from "./publish/publish-as.ts";
export { withAllViolations } from "./registry/all-violations.ts";
export { type Drift, driftOf, type SeenDurable, SeenProducers } from "./registry/drift.ts";
export { PastFailures } from "./registry/past-failures.ts";
export { readSeen, type Seen, type SeenOptions } from "./registry/read-seen.ts";
export { pastEvents, type ReplayPlan, type Survey, surveyPast } from "./replay/past.ts";
export { ReplayRun, roomFor } from "./replay/replay-run.ts";
export { findTarget, narrowed, parseOrigin } from "./replay/replay-target.ts";
export {
  type Answered,
  askEach,
  assertEnded,
  cancelRequest,
  retryRequest,
  type ScenarioRequest,
  scenarioAct,
  stepToRetry,
  switchRequest,
} from "./runs/ask-each.ts";
export { type ComparedRuns, compareRuns, type ScenarioPast } from "./runs/compare-runs.ts";
export {
  assertRunId,
  findActiveRun,
  findRun,
  noSuchRun,
  scenariosOnThisMachine,
  tenantOf,
  textInForce,
  textOnThisMachine,
} from "./runs/find-runs.ts";
export { type ListedScenario, listedScenario, listedScenarios } from "./runs/list-scenarios.ts";
export { planRetries } from "./runs/plan-retry.ts";
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
  type RunTimeline,
  runTimeline,
  type StepState,
  type TimelineStep,
  type TimelineWay,
} from "./runs/run-timeline.ts";
export {
  addedSkips,
  comparablePast,
  knownPast,
  type RunKind,
  runReports,
  type SkipCounts,
  stateOf,
  storedRuns,
} from "./runs/scenario-past.ts";
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
  triggersInWords,
} from "./runs/why-scenario.ts";
export type { EventConsumer } from "./standing/event-consumer.ts";
export { type KnownEvent, lookUpEvent, maskKnown } from "./stored/event-lookup.ts";
export { type CountedFailures, FailureCounts } from "./stored/failure-counts.ts";
export type { FailureFilter } from "./stored/failure-filter.ts";
export { eventAt, timeOfEventId } from "./stored/find-stored.ts";
export { lastEventOf } from "./stored/last-event.ts";
export { processingRecords } from "./stored/processing-records.ts";
export { publishedPast } from "./stored/published-past.ts";
export { type RecentEvent, recentEvents } from "./stored/recent-events.ts";
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
export { eachTimer, timerAct, timerMembers } from "./timers/named-timers.ts";
export { durationText, whenText } from "./timers/timer-text.ts";
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
