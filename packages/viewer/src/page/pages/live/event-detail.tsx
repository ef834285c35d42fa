import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { EventSchema } from "../../../api/live.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { useIsOperator } from "../../app/session.ts";
import { Answered } from "../../parts/answered.tsx";
import { type Fact, Facts } from "../../parts/facts.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { type Difference, differences } from "./event-diff.ts";
import type { LiveFilters } from "./live-filters.ts";
import type { LiveRow } from "./live-window.ts";
import { PublishAgain } from "./publish-again.tsx";
import { publishCommand } from "./shell-command.ts";

interface EventDetailProps {
  /** Undefined when the event is not among those shown any more. */
  readonly row: LiveRow | undefined;
  readonly id: string;
  readonly onFilter: (changed: Partial<LiveFilters>) => void;
  readonly onClose: () => void;
}

/** Everything about one event of the list. */
export function EventDetail({ row: found, id, onFilter, onClose }: EventDetailProps): JSX.Element {
  // The list forgets old events; the one that is read stays.
  const [row, setRow] = useState(found);
  useEffect(() => {
    if (found !== undefined) setRow(found);
  }, [found]);
  return (
    <section class="live-detail" aria-label="Selected event">
      <div class="live-detail-head">
        <h2>
          <Text of={row?.kind ?? id} />
        </h2>
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {row === undefined ? (
        <p>
          This event is not in the list now.{" "}
          <Link to="/event" query={{ id }}>
            Its page
          </Link>{" "}
          shows what the mesh knows of it.
        </p>
      ) : (
        <Found row={row} onFilter={onFilter} />
      )}
    </section>
  );
}

function Found({
  row,
  onFilter,
}: {
  readonly row: LiveRow;
  readonly onFilter: EventDetailProps["onFilter"];
}): JSX.Element {
  const { event, kind, before } = row;
  const asked = useAsk<EventSchema>(`/api/contracts/${encodeURIComponent(kind)}/schema`);
  return (
    <>
      <Actions
        row={row}
        schema={asked.answer}
        isSchemaKnown={asked.answer !== undefined || asked.error !== undefined}
      />
      <h3>Data</h3>
      <JsonView of={event.envelope.data} />
      <h3>Changes since the last {kind}</h3>
      {before === undefined ? (
        <p class="dim">This is the first one that this page has seen.</p>
      ) : (
        <Differences of={differences(before.envelope.data, event.envelope.data)} />
      )}
      <h3>Envelope</h3>
      <EnvelopeFacts row={row} onFilter={onFilter} />
      <h3>Schema</h3>
      <Answered asked={asked}>{(schema) => <SchemaFacts schema={schema} />}</Answered>
    </>
  );
}

function Actions({
  row,
  schema,
  isSchemaKnown,
}: {
  readonly row: LiveRow;
  readonly schema: EventSchema | undefined;
  /** Whether the registry has answered: the form is made of the schema when it opens. */
  readonly isSchemaKnown: boolean;
}): JSX.Element {
  const isOperator = useIsOperator();
  const [isPublishing, setIsPublishing] = useState(false);
  const [told, setTold] = useState("");
  const command = publishCommand(row.event);
  const copy = (): void => {
    // Pages of plain HTTP from another machine have no clipboard.
    const copied = navigator.clipboard?.writeText(command) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => setTold("copied"),
      () => setTold("this browser gives no clipboard; copy the command below"),
    );
  };
  return (
    <>
      <div class="row live-actions">
        <Link to="/event" query={{ id: row.event.envelope.event_id }}>
          Event page
        </Link>
        <button type="button" onClick={copy}>
          Copy as command
        </button>
        {isOperator ? (
          <button type="button" disabled={!isSchemaKnown} onClick={() => setIsPublishing(true)}>
            Publish again
          </button>
        ) : null}
        <span class="dim" role="status">
          {told}
        </span>
      </div>
      <details class="live-command">
        <summary>Command</summary>
        <pre>
          <Text of={command} max={20_000} lines />
        </pre>
      </details>
      {isPublishing ? (
        <PublishAgain row={row} schema={schema} onClose={() => setIsPublishing(false)} />
      ) : null}
    </>
  );
}

function Differences({ of }: { readonly of: readonly Difference[] }): JSX.Element {
  const show = (value: unknown): JSX.Element =>
    value === undefined ? <span class="dim">absent</span> : <Text of={JSON.stringify(value)} max={300} />;
  return (
    <Table
      caption="Changes of the data"
      columns={[
        { title: "Path", cell: ({ path }: Difference) => <Text of={path} max={200} /> },
        { title: "Before", cell: ({ before }) => <span class="mono">{show(before)}</span> },
        { title: "After", cell: ({ after }) => <span class="mono">{show(after)}</span> },
      ]}
      rows={of}
      keyOf={({ path }) => path}
      empty="The data is the same."
    />
  );
}

function EnvelopeFacts({
  row,
  onFilter,
}: {
  readonly row: LiveRow;
  readonly onFilter: EventDetailProps["onFilter"];
}): JSX.Element {
  const { envelope, at, seq, stored, origin } = row.event;
  const filter = (title: string, changed: Partial<LiveFilters>): JSX.Element => (
    <button type="button" class="quiet" title="Show only these" onClick={() => onFilter(changed)}>
      <Text of={title} max={256} />
    </button>
  );
  const facts: readonly Fact[] = [
    ["Id", <Text key="id" of={envelope.event_id} />],
    ["Kind", envelope.kind],
    [
      "Stored",
      <span key="stored">
        {at} {seq}, <When at={stored} />
      </span>,
    ],
    ["Published", <When key="ts" at={String(envelope.ts)} />],
    ["Origin", filter(origin, { origin })],
    ["Source", <Text key="source" of={envelope.source} />],
    ["Correlation", filter(envelope.correlation_id, { correlation: envelope.correlation_id })],
    [
      "Caused by",
      typeof envelope.causation_id === "string" ? (
        <Link key="causation" to="/event" query={{ id: envelope.causation_id }}>
          <Text of={envelope.causation_id} max={120} />
        </Link>
      ) : (
        "–"
      ),
    ],
    ["Tenant", filter(envelope.tenant, { tenant: envelope.tenant })],
    ["Headers", Object.keys(envelope.headers).length === 0 ? "none" : <JsonView of={envelope.headers} />],
  ];
  return (
    <div class="live-facts">
      <Facts of={facts} />
    </div>
  );
}

function SchemaFacts({ schema }: { readonly schema: EventSchema }): JSX.Element {
  const { name, version, schemaVersion, status, summary, fields } = schema;
  return (
    <>
      <p>
        <Text of={`${name}@${version}`} />{" "}
        <span class="dim">
          {schemaVersion === "" ? null : <>schema {schemaVersion} · </>}
          {status} · <Text of={summary} />
        </span>
      </p>
      <Table
        caption="Fields of the data"
        columns={[
          {
            title: "Field",
            cell: (field) => (
              <>
                <Text of={field.name} />
                {field.isRequired ? " (required)" : ""}
              </>
            ),
          },
          { title: "Type", cell: ({ kind, isClassified }) => `${kind}${isClassified ? ", masked" : ""}` },
          {
            title: "Rule",
            cell: ({ rule, values, description }) => (
              <Text
                of={[rule, values.map(String).join(" | "), description]
                  .filter((part) => part !== "")
                  .join(" · ")}
              />
            ),
          },
        ]}
        rows={fields}
        keyOf={(field) => field.name}
        empty="Its schema names no fields at the top of the data."
      />
    </>
  );
}
