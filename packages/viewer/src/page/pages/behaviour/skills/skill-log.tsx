import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { SkillLogAnswer, SkillLogRow } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { navigate, useAddress } from "../../../app/navigate.tsx";
import { Answered } from "../../../parts/answered.tsx";
import { Text } from "../../../parts/text.tsx";
import { pathOf } from "../words.ts";

const FOLLOW_MS = 2000;
const LEVELS = ["debug", "info", "warn", "error"];
const COUNTS = ["50", "200", "500"];
const MESSAGE_CHARS = 2000;
const FIELDS_CHARS = 1000;
/** So near to its end the log is kept at its end. */
const NEAR_END_PX = 40;

/** The newest lines of a skill's log, followed while the page is open. */
export function SkillLog({ name }: { readonly name: string }): JSX.Element {
  const { query } = useAddress();
  const level = LEVELS.find((one) => one === query.get("level")) ?? "debug";
  const lines = COUNTS.find((one) => one === query.get("lines")) ?? "200";
  const isFollowed = query.get("follow") !== "no";
  const asked = useAsk<SkillLogAnswer>(
    pathOf("/api/skills", name, "/log"),
    { level, lines },
    isFollowed ? FOLLOW_MS : undefined,
  );
  const show = (more: Readonly<Record<string, string | undefined>>): void =>
    navigate(
      "/behaviour",
      { tab: "skills", skill: name, level, lines, follow: isFollowed ? undefined : "no", ...more },
      { replace: true },
    );
  return (
    <section>
      <h2>Log</h2>
      <div class="row">
        <label>
          Level
          <select value={level} onChange={({ currentTarget }) => show({ level: currentTarget.value })}>
            {LEVELS.map((one) => (
              <option key={one} value={one}>
                {one === "debug" ? "all" : `${one} and above`}
              </option>
            ))}
          </select>
        </label>
        <label>
          Lines
          <select value={lines} onChange={({ currentTarget }) => show({ lines: currentTarget.value })}>
            {COUNTS.map((one) => (
              <option key={one} value={one}>
                the last {one}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isFollowed}
            onChange={({ currentTarget }) => show({ follow: currentTarget.checked ? undefined : "no" })}
          />
          Follow
        </label>
      </div>
      <Answered asked={asked}>{(answer) => <Lines answer={answer} isFollowed={isFollowed} />}</Answered>
    </section>
  );
}

function Lines({
  answer: { lines, is_cut },
  isFollowed,
}: {
  readonly answer: SkillLogAnswer;
  readonly isFollowed: boolean;
}): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    // Who has scrolled up reads there.
    if (isFollowed && isAtEnd.current && box.current !== null)
      box.current.scrollTop = box.current.scrollHeight;
  });
  if (lines.length === 0)
    return <p class="dim">No line yet of this level. A skill writes them by log.info() or to its output.</p>;
  return (
    <>
      {is_cut ? <p class="dim">Older lines are left out; adaos skill logs has them.</p> : null}
      <section
        class="log"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard
        tabIndex={0}
        aria-label="Lines of the log"
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
        }}
      >
        {lines.map((row, i) => (
          <Line key={`${"ts" in row ? row.ts : ""} ${lines.length - i}`} row={row} />
        ))}
      </section>
    </>
  );
}

function Line({ row }: { readonly row: SkillLogRow }): JSX.Element {
  if ("cut" in row)
    return (
      <div class="line">
        <span class="dim">cut</span> <Text of={row.cut} max={MESSAGE_CHARS} />
      </div>
    );
  const { ts, level, from, message, fields } = row;
  return (
    <div class={`line ${level}`}>
      <time dateTime={ts}>
        <Text of={ts.slice(11, 23)} />
      </time>
      <span class="level">{level}</span>
      <span class="dim">{from}</span>
      <span class="message">
        <Text of={message} max={MESSAGE_CHARS} lines />
        {fields === undefined ? null : (
          <span class="dim">
            {" "}
            <Text of={JSON.stringify(fields)} max={FIELDS_CHARS} />
          </span>
        )}
      </span>
    </div>
  );
}
