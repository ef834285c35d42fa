import type { JSX } from "preact";
import type { Contract, DriftAnswer, FieldChange } from "../../../api/contracts.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Facts } from "../../parts/facts.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";

interface ViewProps {
  readonly event: string;
  /** The search to come back to. */
  readonly question: string;
}

/** One event: its contract, and what was seen of it. */
export function ContractView({ event, question }: ViewProps): JSX.Element {
  const asked = useAsk<Contract>(`/api/contracts/${encodeURIComponent(event)}`);
  return (
    <Answered asked={asked}>
      {(contract) => (
        <>
          <Head contract={contract} question={question} />
          <h3>Fields</h3>
          <Fields fields={contract.fields} />
          {contract.changes === undefined ? null : <Changes {...contract.changes} />}
          <h3>Producers and consumers</h3>
          <Components contract={contract} />
          <div class="contract-parts">
            <section>
              <h3>Examples</h3>
              {contract.examples.length === 0 ? <p class="dim">The registry has no example of it.</p> : null}
              {contract.examples.map(({ title, data }) => (
                <details key={title} open={contract.examples.length === 1}>
                  <summary>
                    <Text of={title} />
                  </summary>
                  <JsonView of={data} />
                </details>
              ))}
            </section>
            <section>
              <h3>Schema</h3>
              <details>
                <summary>JSON Schema of the data</summary>
                <JsonView of={contract.schema} max={60_000} />
              </details>
            </section>
          </div>
        </>
      )}
    </Answered>
  );
}

function Head({
  contract,
  question,
}: {
  readonly contract: Contract;
  readonly question: string;
}): JSX.Element {
  const { event, kind, status, summary, description, versions, count, last_seen, origins } = contract;
  return (
    <>
      <div class="contract-head">
        <h2>
          <Text of={event} />
        </h2>
        <span class="badge">{kind}</span>
        <span class={`badge ${status === "stable" ? "good" : "warning"}`}>{status}</span>
        {versions.map((other) =>
          other.event === event ? null : (
            <Link key={other.event} to="/contracts" query={{ event: other.event, q: question }}>
              {`${other.event} (${other.status})`}
            </Link>
          ),
        )}
      </div>
      <p>
        <Text of={description === "" ? summary : description} />
      </p>
      <Facts
        of={[
          ["Schema version", contract.schema_version ?? "none"],
          ["Delivery", `${contract.delivery}, repetitions are known by ${contract.idempotency_key}`],
          ["Required headers", contract.required_headers.join(", ")],
          [
            "Stored",
            count === 0 || last_seen === null ? (
              "none"
            ) : (
              <>
                {count}, the last at <When at={last_seen} />, from <Text of={origins.join(", ")} />
              </>
            ),
          ],
        ]}
      />
      <p>
        <Link to="/live" query={{ pattern: event }}>
          Live
        </Link>{" "}
        ·{" "}
        <Link to="/policy" query={{ passes: event }}>
          Who may publish and receive it
        </Link>
      </p>
    </>
  );
}

function Fields({ fields }: Pick<Contract, "fields">): JSX.Element {
  return (
    <div class="fields">
      <Table
        caption="Fields of the data"
        columns={[
          {
            title: "Field",
            cell: ({ path, choice }) => (
              <Text of={choice === "" ? path || "(the data)" : `${path} (${choice})`} />
            ),
          },
          { title: "Type", cell: ({ type }) => <Text of={type} /> },
          { title: "Required", cell: ({ required }) => (required ? "yes" : "") },
          {
            title: "Classified",
            cell: ({ classification }) =>
              classification === undefined ? (
                ""
              ) : (
                <span class="badge warning">
                  <Text of={classification} />
                </span>
              ),
          },
          { title: "Constraints", cell: ({ constraints }) => <Text of={constraints.join("; ")} max={400} /> },
          {
            title: "Description",
            cell: ({ description, deprecated }) => (
              <>
                {deprecated ? <span class="badge warning">deprecated</span> : null} <Text of={description} />
              </>
            ),
          },
        ]}
        rows={fields.slice(0, 500)}
        keyOf={({ path, choice }) => `${path} ${choice}`}
        empty="The schema names no field."
      />
    </div>
  );
}

function Changes({
  since,
  fields,
}: {
  readonly since: string;
  readonly fields: readonly FieldChange[];
}): JSX.Element {
  return (
    <>
      <h3>
        Changed since <Text of={since} />
      </h3>
      <Table
        caption={`Changes since ${since}`}
        columns={[
          { title: "Field", cell: ({ path }) => <Text of={path || "(the data)"} /> },
          { title: "Change", cell: ({ change }) => change },
          { title: "What", cell: ({ what }) => <Text of={what.join("; ")} /> },
        ]}
        rows={fields}
        keyOf={({ path, change, what }) => `${path} ${change} ${what.join()}`}
        empty="The fields are the same."
      />
    </>
  );
}

interface ComponentRow {
  readonly role: string;
  readonly component: string;
  readonly declared: boolean;
  readonly seen: string;
}

/** Declared components beside those that were seen in the last 24 hours. */
function Components({ contract }: { readonly contract: Contract }): JSX.Element {
  const asked = useAsk<DriftAnswer>("/api/contracts-drift", { hours: 24, event: contract.event });
  return (
    <Answered asked={asked}>
      {(answer) => (
        <>
          {answer.notes.map((note) => (
            <Notice key={note} kind="warning">
              {note}
            </Notice>
          ))}
          <Table
            caption="Producers and consumers, declared and seen"
            columns={[
              { title: "Role", cell: ({ role }) => role },
              { title: "Component", cell: ({ component }) => <Text of={component} /> },
              {
                title: "Declared",
                cell: ({ declared }) => (declared ? "yes" : <span class="warning">no</span>),
              },
              {
                title: "Seen in 24 h",
                cell: ({ seen }) => (seen === "" ? <span class="warning">no</span> : <Text of={seen} />),
              },
            ]}
            rows={componentRows(contract, answer)}
            keyOf={({ role, component, declared }) => `${role} ${component} ${declared}`}
            empty="Nobody is declared to publish or take it, and nobody was seen to."
          />
        </>
      )}
    </Answered>
  );
}

/** By the drift that the server has found: a declared component is seen unless it is among the drift. Pure. */
function componentRows(contract: Contract, { drifts, producers, consumers }: DriftAnswer): ComponentRow[] {
  const missing = new Set(
    drifts
      .filter(({ drift }) => drift === "declared-never-seen")
      .map(({ role, component }) => `${role} ${component}`),
  );
  const declared = (role: "producer" | "consumer", components: readonly string[]): ComponentRow[] =>
    components.map((component) => ({
      role,
      component,
      declared: true,
      seen: missing.has(`${role} ${component}`) ? "" : seenOf(role, component),
    }));
  // Only stable events are expected; of the others it is not known by the drift alone.
  const seenOf = (role: "producer" | "consumer", component: string): string => {
    const nodes =
      role === "producer"
        ? producers.filter((one) => one.component === component).flatMap((one) => one.nodes)
        : consumers
            .filter(({ durable }) => durable === component.replaceAll(".", "-"))
            .map(({ node }) => node);
    if (nodes.length > 0) return [...new Set(nodes)].join(" ");
    return contract.status === "stable" ? "yes" : "";
  };
  return [
    ...declared("producer", contract.producers),
    ...declared("consumer", contract.consumers),
    ...drifts
      .filter(({ drift }) => drift === "seen-never-declared")
      .map(({ role, component, nodes }) => ({ role, component, declared: false, seen: nodes.join(" ") })),
  ];
}
