import type { JSX } from "preact";
import type { Changed, ScenarioRow } from "../../../../api/behaviour.ts";
import { Text, visible } from "../../../parts/text.tsx";
import { Act } from "../parts/act.tsx";
import type { Telling } from "../parts/told.tsx";
import { counted, pathOf } from "../words.ts";
import { StartRun } from "./start-run.tsx";

interface ActsProps {
  readonly row: ScenarioRow;
  readonly telling: Telling;
}

/** Pause or resume. A paused scenario whose file is broken can be resumed too. */
export function SwitchAct({ row: { scenario, is_paused }, telling }: ActsProps): JSX.Element {
  const about = visible(scenario);
  const path = pathOf("/api/scenarios", scenario, "/switch");
  return is_paused ? (
    <Act
      label="Resume"
      about={about}
      path={path}
      body={{ to: "resume" }}
      onDone={telling.done(`${about} resumed`)}
      onFailed={telling.failed}
    />
  ) : (
    <Act
      label="Pause"
      about={about}
      path={path}
      body={{ to: "pause" }}
      onDone={telling.done(`${about} paused`)}
      onFailed={telling.failed}
    />
  );
}

/** The changes of one scenario, for operators. */
export function ScenarioActs({ row, telling }: ActsProps): JSX.Element {
  const { scenario } = row;
  const about = visible(scenario);
  return (
    <span class="acts">
      <SwitchAct row={row} telling={telling} />
      <StartRun scenario={scenario} onDone={telling.done(`${about} is asked to run`)} />
      <Act
        label="Retry failed"
        about={`runs of ${about}`}
        kind="danger"
        path={pathOf("/api/scenarios", scenario, "/retry")}
        confirm={{ title: `Retry failed runs of ${about}?`, isCounted: true, text: retryText }}
        onDone={telling.done(`failed runs of ${about} are tried again`)}
        onFailed={telling.failed}
      />
      <Act
        label="Cancel all"
        about={`runs of ${about}`}
        kind="danger"
        path={pathOf("/api/scenarios", scenario, "/cancel")}
        confirm={{ title: `Cancel all runs of ${about}?`, isCounted: true, text: cancelText }}
        onDone={telling.done(`runs of ${about} are cancelled`)}
        onFailed={telling.failed}
      />
    </span>
  );
}

function retryText(found: Changed | undefined): JSX.Element {
  const { count = 0, settled = 0 } = found ?? {};
  return (
    <>
      <p>
        <strong>{counted(count, "run")}</strong> would be tried again, from the beginning. Conditions are not
        asked again; effects that were done are done again.
      </p>
      {settled === 0 ? null : (
        <p class="dim">{counted(settled, "failed run")} had a later run of the same trigger, and is left.</p>
      )}
    </>
  );
}

function cancelText(found: Changed | undefined): JSX.Element {
  return (
    <p>
      <strong>{counted(found?.count ?? 0, "run")}</strong> would end: those under way, and those that wait for
      their turn. What they have published stays published.
    </p>
  );
}

/** Text of the dialog before one run is ended. */
export function cancelOneText(id: string): JSX.Element {
  return (
    <p>
      <Text of={id} /> ends where it is. What it has published stays published.
    </p>
  );
}
