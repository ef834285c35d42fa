import type { JSX } from "preact";
import type { Letter } from "../../../api/letters.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { useIsOperator } from "../../app/session.ts";
import { Answered } from "../../parts/answered.tsx";
import { type Fact, Facts } from "../../parts/facts.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { TextBlock } from "../../parts/text-block.tsx";
import { When } from "../../parts/when.tsx";
import type { Wanted } from "./change-dialog.tsx";
import { categoryClass } from "./error-columns.tsx";
import type { Filter } from "./filter-query.ts";

const MAX_SHOWN_CHARS = 20_000;

interface OneProps {
  /** `beta/17` */
  readonly place: string;
  readonly filter: Filter;
  readonly onChange: (wanted: Wanted) => void;
}

/** Everything known about one dead letter. */
export function OneLetter({ place, filter, onChange }: OneProps): JSX.Element {
  const [at = "", seq = ""] = place.split("/");
  const asked = useAsk<Letter>(`/api/dead-letters/${encodeURIComponent(at)}/${encodeURIComponent(seq)}`);
  const isOperator = useIsOperator();
  const selection = { filter: { at }, places: [place] };
  return (
    <>
      <div class="row letters-actions">
        <Link to="/dead-letters" query={filter}>
          Back to the list
        </Link>
        {isOperator && asked.answer !== undefined ? (
          <>
            <button
              type="button"
              class="main"
              disabled={asked.answer.is_run}
              onClick={() => onChange({ kind: "replay", ...selection })}
            >
              Replay …
            </button>
            <button type="button" class="danger" onClick={() => onChange({ kind: "purge", ...selection })}>
              Delete …
            </button>
          </>
        ) : null}
      </div>
      <Answered asked={asked}>{(letter) => <LetterView letter={letter} />}</Answered>
    </>
  );
}

function LetterView({ letter }: { readonly letter: Letter }): JSX.Element {
  const { error, category, rule, attempts, headers } = letter;
  return (
    <>
      <section class="letters-error" aria-label="Error">
        <p>
          <span class={categoryClass(category)}>{category}</span> <span class="dim">rule</span>{" "}
          <Text of={rule} max={100} />
        </p>
        <p>
          <b>
            <Text of={error.type} max={200} />
          </b>{" "}
          <Text of={error.message} lines />
        </p>
        {error.stack === "" ? null : (
          <details>
            <summary>Stack</summary>
            <TextBlock of={error.stack} max={MAX_SHOWN_CHARS} />
          </details>
        )}
      </section>
      <Facts of={factsOf(letter)} />
      <h2>Attempts</h2>
      <div class="letters-rows">
        <Table
          caption="Attempts"
          columns={[
            { title: "Time (UTC)", cell: ({ at }) => <When at={at} /> },
            { title: "Error", cell: ({ type }) => <Text of={type} max={200} /> },
            {
              title: "Message",
              cell: ({ message }) => (
                <span class="letters-message">
                  <Text of={message} max={500} />
                </span>
              ),
            },
          ]}
          rows={attempts}
          keyOf={(attempt) => `${attempts.indexOf(attempt)}`}
          empty="No attempt was made: the event was given up before its handler ran."
        />
      </div>
      <h2>Event</h2>
      <EventOf letter={letter} />
      {Object.keys(headers).length === 0 ? null : (
        <>
          <h2>Headers of the message</h2>
          <JsonView of={headers} />
        </>
      )}
    </>
  );
}

function factsOf(letter: Letter): Fact[] {
  const { at, node, durable, deliveries, stream, seq, subject, letter_id, event_id, event, is_run } = letter;
  const { correlation_id, handler, replay, replay_of } = letter;
  const facts: Fact[] = [
    [
      "Failed",
      <span key="">
        <When at={at} />, after {deliveries} {deliveries === 1 ? "delivery" : "deliveries"}
      </span>,
    ],
    ["Handler", <Text key="" of={`${node}/${durable}`} />],
    ["Durable", <HandlerText key="" handler={handler} />],
    ["Event", <Text key="" of={event === "" ? "no event" : event} />],
    ["Event id", event_id === "" ? "none" : <EventLink key="" id={event_id} isRun={is_run} />],
    ["Correlation", <Text key="" of={correlation_id} />],
    ["Letter", <Text key="" of={letter_id} />],
  ];
  if (stream !== "") facts.push(["Lies in", <Text key="" of={`${stream} at ${seq}, ${subject}`} />]);
  if (replay_of !== "")
    facts.push([
      "Replay of",
      <Text key="" of={`${replay_of}: that letter was replayed and failed again here`} />,
    ]);
  facts.push([
    "Replayed",
    replay === undefined ? (
      "not yet, or its stream does not hold the replay any more"
    ) : (
      <>
        <EventLink id={replay.event_id} isRun={false} />, <Text of={replay.outcome} />
      </>
    ),
  ]);
  return facts;
}

function HandlerText({ handler }: Pick<Letter, "handler">): JSX.Element {
  if (handler === null) return <span class="warning">is gone: nobody would handle a replay</span>;
  const { pending, unsettled, is_paused } = handler;
  return (
    <>
      {is_paused ? "paused; " : ""}
      {pending} events wait, {unsettled} are under way
    </>
  );
}

function EventLink({ id, isRun }: { readonly id: string; readonly isRun: boolean }): JSX.Element {
  if (isRun) return <Text of={id} />;
  return (
    <Link to="/event" query={{ id }}>
      <Text of={id} />
    </Link>
  );
}

function EventOf({
  letter: { envelope, is_masked, bytes, is_run },
}: {
  readonly letter: Letter;
}): JSX.Element {
  if (is_run)
    return <p class="dim">The letter is of a run, which has no event. Only its program can repeat it.</p>;
  return (
    <>
      {is_masked ? (
        <Notice kind="info">Classified fields are masked, so the bytes are not shown.</Notice>
      ) : null}
      {envelope === null ? <p class="dim">The bytes are no event.</p> : <JsonView of={envelope} />}
      {bytes === undefined ? null : (
        <details>
          <summary>
            {bytes.length} bytes{bytes.is_truncated ? ", the beginning of a larger message" : ""}
          </summary>
          <h3>Text</h3>
          <TextBlock of={bytes.text} max={MAX_SHOWN_CHARS} />
          <h3>Hex</h3>
          <TextBlock of={bytes.hex} max={MAX_SHOWN_CHARS} />
        </details>
      )}
    </>
  );
}
