import type { JSX } from "preact";
import { visible } from "../../../parts/text.tsx";
import { Act } from "../parts/act.tsx";
import type { Telling } from "../parts/told.tsx";
import { counted, pathOf } from "../words.ts";
import type { SkillRow } from "./skill-rows.ts";

/** The changes of one skill, for operators. */
export function SkillActs({
  skill: { member, name, state, in_hand },
  telling,
}: {
  readonly skill: SkillRow;
  readonly telling: Telling;
}): JSX.Element {
  const full = `${member}/${name}`;
  const about = visible(full);
  const at = (act: string): string => pathOf("/api/skills", full, `/${act}`);
  return (
    <span class="acts">
      {state === "disabled" ? (
        <Act
          label="Enable"
          about={about}
          path={at("enable")}
          onDone={telling.done(`${about} enabled`)}
          onFailed={telling.failed}
        />
      ) : (
        <Act
          label="Disable"
          about={about}
          kind="danger"
          path={at("disable")}
          confirm={{
            title: `Disable ${about}?`,
            text: () => (
              <p>
                Its process ends; it has {counted(in_hand, "event")} in hand. Its events wait in the stream
                until it is enabled again.
              </p>
            ),
          }}
          onDone={telling.done(`${about} disabled`)}
          onFailed={telling.failed}
        />
      )}
    </span>
  );
}
