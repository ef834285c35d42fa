import type { JSX } from "preact";
import type { RunDetail } from "../../../../api/behaviour.ts";
import { navigate, useAddress } from "../../../app/navigate.tsx";
import { SourceView } from "../parts/source-view.tsx";
import type { Telling } from "../parts/told.tsx";
import { StepList } from "./step-list.tsx";
import { allSteps, lineStates, type Step } from "./steps.ts";

interface RunStepsProps {
  readonly detail: RunDetail;
  readonly telling: Telling;
}

/** The steps of a run, and its text beside them. Arrow keys go from step to step. */
export function RunSteps({ detail, telling }: RunStepsProps): JSX.Element {
  const { run, timeline, text } = detail;
  const chosenStep = useAddress().query.get("step");
  const effects = timeline?.effects ?? [];
  const onError = timeline?.on_error ?? [];
  const all = allSteps([...effects, ...onError]);
  const chosen = all.find(({ step }) => step === chosenStep);
  const states = lineStates(all);
  const choose = (step: string): void =>
    navigate(
      "/behaviour",
      { tab: "scenarios", run: run.id, step: step === chosenStep ? undefined : step },
      { replace: true },
    );
  const list = (steps: readonly Step[]): JSX.Element => (
    <StepList steps={steps} run={run} chosen={chosenStep ?? undefined} choose={choose} telling={telling} />
  );
  return (
    <div class="beside-source">
      <section>
        <h2>Steps</h2>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the buttons within take the focus */}
        <div class="timeline" onKeyDown={moveFocus}>
          {list(effects)}
          {onError.length === 0 ? null : (
            <>
              <h3>On error of the scenario</h3>
              {list(onError)}
            </>
          )}
        </div>
        {timeline?.is_cut === true ? <p class="dim">There are more steps than are shown.</p> : null}
      </section>
      <section>
        <h2>Its file, as it was</h2>
        <SourceView
          text={text}
          label="Text of the scenario as it was when the run began"
          markOf={(line) => states.get(line)}
          {...(chosen?.lines === undefined ? {} : { chosen: chosen.lines })}
        />
      </section>
    </div>
  );
}

/** Up and down go to the step before and after, Home and End to the first and last. */
function moveFocus(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const steps = [...event.currentTarget.querySelectorAll<HTMLElement>("button.step")];
  const at = steps.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: steps.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  steps[Math.max(0, Math.min(steps.length - 1, to))]?.focus();
}
