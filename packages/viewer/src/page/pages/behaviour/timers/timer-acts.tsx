import type { JSX } from "preact";
import type { TimerRow } from "../../../../api/behaviour.ts";
import { Text, visible } from "../../../parts/text.tsx";
import { Act } from "../parts/act.tsx";
import type { Telling } from "../parts/told.tsx";
import { counted, pathOf } from "../words.ts";

/** The changes of one timer, for operators. */
export function TimerActs({
  timer,
  telling,
}: {
  readonly timer: TimerRow;
  readonly telling: Telling;
}): JSX.Element {
  const name = `${timer.node}/${timer.name}`;
  const about = visible(name);
  const at = (act: string): string => pathOf("/api/timers", name, `/${act}`);
  const { failed } = telling;
  return (
    <span class="acts">
      {timer.state === "paused" ? (
        <Act
          label="Resume"
          about={about}
          path={at("resume")}
          onDone={telling.done(`${about} resumed`)}
          onFailed={failed}
        />
      ) : (
        <Act
          label="Pause"
          about={about}
          path={at("pause")}
          onDone={telling.done(`${about} paused`)}
          onFailed={failed}
        />
      )}
      <Act
        label="Trigger"
        about={about}
        path={at("trigger")}
        onDone={telling.done(`${about} fired`)}
        onFailed={failed}
      />
      {timer.declared ? null : (
        <Act
          label="Remove"
          about={about}
          kind="danger"
          path={at("remove")}
          confirm={{ title: `Remove ${about}?`, text: () => <RemoveText timer={timer} /> }}
          onDone={telling.done(`${about} removed`)}
          onFailed={failed}
        />
      )}
    </span>
  );
}

function RemoveText({ timer: { event, fired } }: { readonly timer: TimerRow }): JSX.Element {
  return (
    <p>
      It has fired {counted(fired, "time")} and publishes <Text of={event} />. Once removed, it fires no more,
      and its counts are gone.
    </p>
  );
}
