import type { JSX } from "preact";
import type { EventKnown, EventTrace } from "../../../api/event.ts";
import { Link } from "../../app/navigate.tsx";
import { Told } from "../../parts/name.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { TextBlock } from "../../parts/text-block.tsx";
import { When } from "../../parts/when.tsx";

type Known = EventKnown["known"];
type Traced = EventTrace["trace"]["roots"][number];
type Record_ = Known["records"][number];
type Letter = Known["dead_letters"][number];

const BADGES: Readonly<Record<string, string>> = {
  handled: "good",
  success: "good",
  failed: "error",
  dead_letter: "error",
};

interface HandlingsProps {
  readonly known: Known;
  readonly traced: Traced | undefined;
}

/** Who has handled an event and how: its durables, failed attempts, and dead letters with their errors. */
export function Handlings({ known, traced }: HandlingsProps): JSX.Element {
  return (
    <>
      <h3>Handlers</h3>
      <Table
        caption="Handlers of the event"
        rows={traced?.handlings ?? []}
        keyOf={({ durable }) => durable}
        empty="No durable of the mesh takes it. A member subscribes, or a skill lists the event in its skill.yaml."
        columns={[
          { title: "Handler", cell: ({ durable }) => <Text of={durable} /> },
          { title: "State", cell: ({ state }) => <State of={state} /> },
          {
            title: "Recorded",
            cell: ({ at }) => (at === undefined ? <span class="dim">–</span> : <When at={at} />),
          },
          { title: "Failed attempts", isNumber: true, cell: ({ failures }) => failures },
          { title: "Next", cell: ({ next_retry_at: at }) => (at === undefined ? "" : <When at={at} />) },
          {
            title: "Dead letter",
            cell: ({ dead_letter_id: id }) => (id === undefined ? "" : <LetterLink id={id} />),
          },
        ]}
      />
      {known.records.map((record) => (
        <Attempts key={`${record.node} ${record.durable} ${record.seq}`} of={record} />
      ))}
      {known.dead_letters.map((letter) => (
        <DeadLetter key={letter.dead_letter_id} of={letter} />
      ))}
    </>
  );
}

function State({ of }: { readonly of: string }): JSX.Element {
  return <span class={`badge ${BADGES[of] ?? "warning"}`}>{of.replace("_", " ")}</span>;
}

function LetterLink({ id }: { readonly id: string }): JSX.Element {
  return (
    <Link to="/dead-letters" query={{ text: id }}>
      <Text of={id} max={80} />
    </Link>
  );
}

interface AttemptRow {
  readonly key: string;
  readonly at: string;
  readonly error: string;
  readonly reaction: string;
}

/** Each failed attempt and the reaction to it; a record keeps the newest of both. */
function attemptsOf({ attempts = [], recovery_actions }: Record_): AttemptRow[] {
  const ahead = recovery_actions.length - attempts.length;
  return attempts.map(({ at, type, message }, i) => {
    const action = recovery_actions[i + ahead];
    const wait = action === undefined || action.backoff_seconds === 0 ? "" : `, ${action.backoff_seconds} s`;
    const because = action?.because === undefined ? "" : `: ${action.because}`;
    return {
      key: String(i),
      at,
      error: `${type}: ${message}`,
      reaction: action === undefined ? "" : `${action.action.replaceAll("_", " ")}${wait}${because}`,
    };
  });
}

function Attempts({ of: record }: { readonly of: Record_ }): JSX.Element {
  const { node, durable, status, error_info } = record;
  return (
    <section class="attempts">
      <h4>
        Attempts at <Text of={`${node}/${durable}`} /> <State of={status} />
      </h4>
      <Table
        caption={`Failed attempts at ${durable}`}
        rows={attemptsOf(record)}
        keyOf={({ key }) => key}
        empty="Its attempts were not recorded one by one."
        columns={[
          { title: "At", cell: ({ at }) => <When at={at} /> },
          { title: "Error", cell: ({ error }) => <Told of={error} /> },
          { title: "Then", cell: ({ reaction }) => <Text of={reaction} max={200} /> },
        ]}
      />
      {error_info === undefined ? null : <Stack text={error_info.stacktrace} />}
    </section>
  );
}

function DeadLetter({ of: letter }: { readonly of: Letter }): JSX.Element {
  const { dead_letter_id: id, at, category, rule, node, durable, error } = letter;
  return (
    <section class="attempts">
      <h4>
        Dead letter <LetterLink id={id} /> of <Text of={`${node}/${durable}`} />
      </h4>
      <p>
        <When at={at} /> <span class="badge error">{category}</span> by rule <Text of={rule} max={120} />:{" "}
        <Text of={`${error.type}: ${error.message}`} max={500} />
      </p>
      <Stack text={error.stack} />
    </section>
  );
}

function Stack({ text }: { readonly text: string }): JSX.Element | null {
  if (text === "") return null;
  return (
    <details>
      <summary>Stack</summary>
      <TextBlock of={text} max={8000} />
    </details>
  );
}
