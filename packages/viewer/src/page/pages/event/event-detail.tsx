import type { JSX } from "preact";
import type { EventKnown, EventTrace } from "../../../api/event.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Command } from "../../parts/copy-button.tsx";
import { type Fact, Facts } from "../../parts/facts.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Notice } from "../../parts/notice.tsx";
import { tookText } from "../../parts/spans.ts";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { AwayNotices } from "./away-notices.tsx";
import { Handlings } from "./handlings.tsx";
import { type Maker, madeBy } from "./made-by.ts";
import { runnableId } from "./runnable-id.ts";

type Traced = EventTrace["trace"]["roots"][number];

interface EventDetailProps {
  readonly id: string;
  /** The event's place in its trace; undefined when no stream holds it any more. */
  readonly traced: Traced | undefined;
}

/** Everything known of one event. */
export function EventDetail({ id, traced }: EventDetailProps): JSX.Element {
  const asked = useAsk<EventKnown>("/api/event/known", { id });
  return (
    <section aria-labelledby="event-detail">
      <h2 id="event-detail">
        <Text of={id} max={200} />
      </h2>
      <Answered asked={asked}>
        {({ known, bytes, away }) => (
          <>
            <AwayNotices away={away} />
            {known.event === null ? (
              <Notice kind="warning">
                No stream of a subnet holds it any more; this is what records tell.
              </Notice>
            ) : (
              <Facts of={envelopeFacts(known.event, bytes)} />
            )}
            <Commands id={known.event_id} />
            {traced === undefined ? null : <Hops of={traced} />}
            <Handlings known={known} traced={traced} />
            {known.event === null ? null : <Envelope of={known.event.envelope} />}
          </>
        )}
      </Answered>
    </section>
  );
}

type Lying = NonNullable<EventKnown["known"]["event"]>;

/** Servers store whatever they are sent: a field may be of any type, or missing. */
function asText(value: unknown): JSX.Element | undefined {
  if (value === undefined) return undefined;
  return <Text of={typeof value === "string" ? value : (JSON.stringify(value) ?? "")} max={300} />;
}

function envelopeFacts({ envelope, subject, stream, seq, stored_at }: Lying, bytes: number | null): Fact[] {
  const { event_name, version, kind, source, tenant, ts, correlation_id, causation_id } = envelope;
  const maker = madeBy(source, envelope.headers, subject);
  return [
    ["Event", asText(`${event_name}@${version}`)],
    ["Kind", asText(kind)],
    ["Source", asText(source)],
    ["Tenant", asText(tenant)],
    ["Published", <When key="at" at={String(ts)} />],
    [
      "Stored",
      <span key="at">
        <Text of={`${stream} ${seq}`} />, <When at={stored_at} />
      </span>,
    ],
    ["Size", bytes === null ? "" : `${bytes.toLocaleString("en")} bytes`],
    ["Subject", asText(subject)],
    ["Correlation", typeof correlation_id === "string" ? <EventLink key="link" id={correlation_id} /> : ""],
    ["Caused by", typeof causation_id === "string" ? <EventLink key="link" id={causation_id} /> : ""],
    ["Made by", maker === undefined ? "" : <MakerLink key="link" of={maker} />],
  ];
}

function MakerLink({ of: { kind, title, query } }: { readonly of: Maker }): JSX.Element {
  return (
    <Link to="/behaviour" query={query}>
      {kind} <Text of={title} max={120} />
    </Link>
  );
}

function EventLink({ id }: { readonly id: string }): JSX.Element {
  return (
    <Link to="/event" query={{ id }}>
      <Text of={id} max={120} />
    </Link>
  );
}

function Commands({ id }: { readonly id: string }): JSX.Element | null {
  if (!runnableId(id)) return null;
  return (
    <>
      <p class="commands">
        <Command text={`adaos trace ${id}`} />
        <Command text={`adaos why ${id}`} />
        <Command text={`adaos events detail ${id}`} />
      </p>
      <p>
        <Link to="/event" query={{ view: "why", event: id }}>
          Why did it not arrive?
        </Link>
      </p>
    </>
  );
}

function Hops({ of: { hops } }: { readonly of: Traced }): JSX.Element {
  const rows = hops.map((hop, i) => {
    const before = hops[i - 1];
    return {
      ...hop,
      step: before === undefined ? hop.after_ms : Date.parse(hop.stored_at) - Date.parse(before.stored_at),
    };
  });
  return (
    <>
      <h3>Where it is stored</h3>
      <Table
        caption="Streams that hold the event"
        rows={rows}
        keyOf={({ stream, seq }) => `${stream} ${seq}`}
        empty="No stream holds it any more: streams drop what is older than their max_age in mesh.yaml."
        columns={[
          { title: "At", cell: ({ of }) => <Text of={of} /> },
          { title: "Stream", cell: ({ stream, seq }) => <Text of={`${stream} ${seq}`} /> },
          { title: "Stored", cell: ({ stored_at }) => <When at={stored_at} /> },
          { title: "After publish", isNumber: true, cell: ({ after_ms }) => tookText(after_ms) },
          { title: "After the last", isNumber: true, cell: ({ step }) => tookText(step) },
        ]}
      />
    </>
  );
}

function Envelope({ of }: { readonly of: Lying["envelope"] }): JSX.Element {
  const { data, ...rest } = of;
  return (
    <>
      <h3>Data</h3>
      <JsonView of={data} />
      <details>
        <summary>Envelope</summary>
        <JsonView of={rest} />
      </details>
    </>
  );
}
