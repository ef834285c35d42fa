import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ContractLine, ContractList } from "../../../api/contracts.ts";
import { useAsk } from "../../app/ask.ts";
import { Link, navigate, useAddress } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { ContractView } from "./contract-view.tsx";
import { DriftList } from "./drift-list.tsx";
import "./contracts.css";

const REFRESH_MS = 15_000;
/** Letters that are typed quickly are one question. */
const TYPING_MS = 250;

/** The registry: every event, with its contract. */
export function ContractsPage(): JSX.Element {
  const { query } = useAddress();
  const event = query.get("event") ?? undefined;
  const question = query.get("q") ?? "";
  if (event !== undefined)
    return (
      <>
        <p>
          <Link to="/contracts" query={{ q: question }}>
            All contracts
          </Link>
        </p>
        <ContractView key={event} event={event} question={question} />
      </>
    );
  return <ContractsList question={question} withDrift={query.get("drift") === "24"} />;
}

function ContractsList({
  question,
  withDrift,
}: {
  readonly question: string;
  readonly withDrift: boolean;
}): JSX.Element {
  const asked = useAsk<ContractList>("/api/contracts", { q: question }, REFRESH_MS);
  const [typed, setTyped] = useState(question);
  useEffect(() => {
    if (typed === question) return;
    const timer = setTimeout(
      () => navigate("/contracts", { q: typed, drift: withDrift ? 24 : undefined }, { replace: true }),
      TYPING_MS,
    );
    return () => clearTimeout(timer);
  }, [typed, question, withDrift]);
  return (
    <>
      <search class="row">
        <label class="contracts-search">
          Search names, fields, descriptions, components
          <input
            type="search"
            value={typed}
            maxLength={200}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
      </search>
      <Answered asked={asked}>
        {({ events, total, registry, away }) => (
          <>
            <p class="dim">
              {events.length} of {total} events, registry {registry.hash.slice(0, 8)} in{" "}
              <Text of={registry.folder} />
            </p>
            {away.map(({ of, reason }) => (
              <Notice key={of} kind="warning">{`The events of ${of} are not counted: ${reason}`}</Notice>
            ))}
            <Events events={events} question={question} />
          </>
        )}
      </Answered>
      <h2>Drift</h2>
      <p class="dim">
        What the registry declares and nobody was seen to do, and what was seen and is not declared.
      </p>
      {withDrift ? (
        <DriftList />
      ) : (
        <button type="button" onClick={() => navigate("/contracts", { q: question, drift: 24 })}>
          Compare with the last 24 hours
        </button>
      )}
    </>
  );
}

function Events({
  events,
  question,
}: {
  readonly events: readonly ContractLine[];
  readonly question: string;
}): JSX.Element {
  return (
    <div class="contracts">
      <Table
        caption="Events of the registry"
        columns={[
          {
            title: "Event",
            cell: ({ event }) => (
              <Link to="/contracts" query={{ event, q: question }}>
                <Text of={event} />
              </Link>
            ),
          },
          {
            title: "Kind",
            cell: ({ kind, status }) => (
              <>
                {kind} {status === "stable" ? null : <span class="badge warning">{status}</span>}
              </>
            ),
          },
          {
            title: "About",
            cell: ({ summary, where }) => (
              <>
                <Text of={summary} />
                {where === undefined ? null : (
                  <span class="dim">
                    {" "}
                    found in <Text of={where} />
                  </span>
                )}
              </>
            ),
          },
          { title: "Stored", isNumber: true, cell: ({ count }) => count },
          {
            title: "Last",
            cell: ({ last_seen }) => (last_seen === null ? "never" : <When at={last_seen} />),
          },
        ]}
        rows={events}
        keyOf={({ event }) => event}
        empty={
          question === ""
            ? "The registry declares no event: adaos events scaffold makes the first."
            : "No event has all these words in its name, fields, descriptions or components."
        }
      />
    </div>
  );
}
