import type { JSX } from "preact";
import type { RunDetail } from "../../../../api/behaviour.ts";
import { Link } from "../../../app/navigate.tsx";
import { useIsOperator } from "../../../app/session.ts";
import { spanText } from "../../../parts/spans.ts";
import { Text } from "../../../parts/text.tsx";
import { When } from "../../../parts/when.tsx";
import { Act } from "../parts/act.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import type { Telling } from "../parts/told.tsx";
import { Conditions } from "./conditions.tsx";
import { placeOf, type Step } from "./steps.ts";

const ABOUT_CHARS = 200;
const OUTERMOST = /^effects\[\d+\]$/;
const WORDS: Readonly<Partial<Record<Step["state"], string>>> = {
  "under-way": "under way",
  "not-reached": "not reached",
  "no-record": "no record",
  timeout: "no event in time",
};

interface StepListProps {
  readonly steps: readonly Step[];
  readonly run: RunDetail["run"];
  readonly chosen: string | undefined;
  readonly choose: (step: string) => void;
  readonly telling: Telling;
}

/** A sequence of steps. */
export function StepList(props: StepListProps): JSX.Element | null {
  if (props.steps.length === 0) return null;
  return (
    <ol class="steps">
      {props.steps.map((step) => (
        <li key={step.step} class={step.state}>
          <StepLine {...props} step={step} />
        </li>
      ))}
    </ol>
  );
}

function StepLine({ step: one, ...props }: StepListProps & { readonly step: Step }): JSX.Element {
  const { run, chosen, choose } = props;
  const { step, verb, about, state, event_id, error, conditions, ways } = one;
  const isChosen = step === chosen;
  return (
    <>
      <div class="step-line">
        <button type="button" class="step" aria-pressed={isChosen} onClick={() => choose(step)}>
          <strong>{verb}</strong> <Text of={about} max={ABOUT_CHARS} />
          <span class="heard"> ({step})</span>
        </button>
        <span class="step-end">
          <StateBadge of={state} word={WORDS[state] ?? state} />
          <StepTime step={one} run={run} />
        </span>
      </div>
      <Conditions of={conditions} />
      {error === undefined ? null : (
        <p class="error told">
          <Text of={error} max={600} />
        </p>
      )}
      {event_id === undefined ? null : (
        <p class="told">
          {verb === "wait" ? "received " : state === "shadow" ? "would publish " : ""}
          <EventLink step={one} id={event_id} isStored={state !== "shadow"} />
        </p>
      )}
      {isChosen ? <Chosen step={one} {...props} /> : null}
      {ways.map((way) => (
        <div key={way.label} class={way.isTaken ? "way" : "way not-taken"}>
          <p class="way-label">
            <Text of={way.label} max={ABOUT_CHARS} />
            {way.isTaken ? null : <span class="dim"> – not taken</span>}
          </p>
          <StepList {...props} steps={way.steps} />
        </div>
      ))}
    </>
  );
}

function EventLink({
  step: { event = "" },
  id,
  isStored,
}: {
  readonly step: Step;
  readonly id: string;
  readonly isStored: boolean;
}): JSX.Element {
  if (!isStored) return <Text of={event} max={ABOUT_CHARS} />;
  return (
    <>
      <Text of={event} max={ABOUT_CHARS} />{" "}
      <Link to="/event" query={{ id }} class="mono">
        <Text of={id} />
      </Link>
    </>
  );
}

/** When a step began within its run, how long it took, and a bar of that. */
function StepTime({
  step,
  run,
}: {
  readonly step: Step;
  readonly run: RunDetail["run"];
}): JSX.Element | null {
  const { began_at, ms } = step;
  const place = placeOf(step, run);
  if (began_at === undefined || place === undefined) return null;
  const after = Math.max(0, Date.parse(began_at) - Date.parse(run.started_at));
  return (
    <span class="step-time" title={began_at}>
      +{spanText(after)}
      {ms === undefined ? null : ` for ${spanText(ms)}`}
      <svg class="span" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="whole" x="0" y="1" width="100" height="2" />
        <rect class="part" x={Math.min(place.from, 99)} y="0" width={Math.max(1, place.width)} height="4" />
      </svg>
    </span>
  );
}

function Chosen({
  step: { step, began_at, until },
  run,
  telling,
}: StepListProps & { readonly step: Step }): JSX.Element {
  const canRetry = useIsOperator() && run.outcome !== "active" && OUTERMOST.test(step);
  return (
    <div class="told">
      <code>{step}</code>
      {began_at === undefined ? null : (
        <>
          {" "}
          began <When at={began_at} isFar />
        </>
      )}
      {until === undefined ? null : (
        <>
          , until <When at={until} isFar />
        </>
      )}
      {canRetry ? (
        <div class="row">
          <Act
            label="Retry from here"
            about={step}
            path={`/api/runs/${encodeURIComponent(run.id)}/retry`}
            body={{ from: step }}
            confirm={{ title: `Retry from ${step}?`, text: retryText }}
            onDone={telling.done(`${run.id} is tried again from ${step}`)}
            onFailed={telling.failed}
          />
        </div>
      ) : null}
    </div>
  );
}

function retryText(): JSX.Element {
  return (
    <p>
      A new run begins at this step, with the results of the steps before it. It is refused once the text of
      the scenario has changed.
    </p>
  );
}
