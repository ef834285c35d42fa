import type { JSX } from "preact";
import type { ChangeKind, MeshChange, Timeline } from "../../../api/mesh.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { timeText } from "../../parts/when.tsx";

const REFRESH_MS = 10_000;
const KINDS: readonly (readonly [kind: ChangeKind, title: string])[] = [
  ["policy", "Policy"],
  ["registry", "Registry"],
  ["operator", "Operators"],
  ["process", "Processes"],
  ["start", "Starts"],
  ["link", "Links"],
  ["alert", "Alerts"],
  ["config", "Files"],
];

interface ChangesProps {
  /** Kinds that are shown; all when there is none. */
  readonly kinds: readonly string[];
  readonly onKinds: (kinds: readonly string[]) => void;
}

/** What has changed in the last 24 hours, the newest first. */
export function MeshChanges({ kinds, onKinds }: ChangesProps): JSX.Element {
  const asked = useAsk<Timeline>("/api/mesh/changes", { hours: 24, kind: kinds }, REFRESH_MS);
  const toggle = (kind: string): void =>
    onKinds(kinds.includes(kind) ? kinds.filter((one) => one !== kind) : [...kinds, kind]);
  return (
    <section aria-label="What changed">
      <h2>What changed in the last 24 hours</h2>
      <fieldset class="changes-filter">
        <legend class="heard">Kinds of changes; without a choice, all</legend>
        {KINDS.map(([kind, title]) => (
          <label key={kind} class="check">
            <input type="checkbox" checked={kinds.includes(kind)} onChange={() => toggle(kind)} />
            {title}
          </label>
        ))}
      </fieldset>
      <Answered asked={asked}>
        {({ changes, away }) => (
          <>
            {away.map(({ of, reason }) => (
              <Notice key={of} kind="warning">{`${of} is left out: ${reason}`}</Notice>
            ))}
            <Changes changes={changes} />
          </>
        )}
      </Answered>
    </section>
  );
}

function Changes({ changes }: { readonly changes: readonly MeshChange[] }): JSX.Element {
  if (changes.length === 0)
    return (
      <p class="dim">
        Nothing of this kind has changed. Starts and links are told where the registry declares their events,
        alerts where mesh.yaml has <code>alerts: {"{}"}</code>.
      </p>
    );
  let day = "";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
    <ol class="changes" tabIndex={0} aria-label="Changes, the newest first">
      {changes.toReversed().map((change) => {
        const [date = ""] = timeText(change.at).split(" ");
        const isOtherDay = date !== day;
        day = date;
        return [
          isOtherDay ? (
            <li key={day} class="day">
              {day}
            </li>
          ) : null,
          <Change key={`${change.at} ${change.about} ${change.what}`} change={change} />,
        ];
      })}
    </ol>
  );
}

function Change({ change }: { readonly change: MeshChange }): JSX.Element {
  const { kind, level, about, what, event_id, stored_at } = change;
  return (
    <li>
      <time dateTime={change.at} title={change.at}>
        {timeText(change.at, true).slice(-8)}
      </time>
      <span class={level === "info" ? "dim" : level}>{KINDS.find(([one]) => one === kind)?.[1] ?? kind}</span>
      <span class="changes-about">
        <Text of={about} />
      </span>
      <span class="what">
        <Text of={what} max={400} />{" "}
        {event_id === undefined || stored_at === undefined ? null : (
          <Link to={`/event/${event_id}`}>Event</Link>
        )}
      </span>
    </li>
  );
}
