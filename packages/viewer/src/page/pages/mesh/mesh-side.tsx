import type { JSX } from "preact";
import type { MapLink, MapNode, MeshMap, NodeAnswer } from "../../../api/mesh.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Facts } from "../../parts/facts.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { agoText, linkName, rateText, stateWord } from "./figures.ts";

const REFRESH_MS = 3000;

interface SideProps {
  readonly map: MeshMap;
  /** `alpha/kitchen`, or `up alpha` */
  readonly show: string;
  readonly onClose: () => void;
}

/** The details of a node or link, beside the map. */
export function MeshSide({ map, show, onClose }: SideProps): JSX.Element {
  const node = map.nodes.find(({ id }) => id === show);
  const link = map.links.find((one) => linkName(one) === show);
  return (
    <section class="mesh-side" aria-label={`Details of ${show}`}>
      <header>
        <h2>
          <Text of={link === undefined ? show : `link ${show}`} />
        </h2>
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
      </header>
      {node !== undefined ? (
        <NodeSide key={node.id} node={node} />
      ) : link !== undefined ? (
        <LinkSide link={link} />
      ) : (
        <p class="dim">The mesh has no such node or link now.</p>
      )}
    </section>
  );
}

function State({
  state,
  note,
}: {
  readonly state: MapNode["state"] | MapLink["state"];
  readonly note: string;
}): JSX.Element {
  const kind = state === "ready" ? "good" : state === "elsewhere" ? "" : "error";
  return (
    <p>
      <span class={`badge ${kind}`}>{stateWord(state)}</span> <Text of={note} />
    </p>
  );
}

function NodeSide({ node }: { readonly node: MapNode }): JSX.Element {
  const { id, role, state, note, published, handled, lag, outbox, lastActive } = node;
  const [subnet = ""] = id.split("/");
  const asked = useAsk<NodeAnswer>("/api/mesh/node", { id }, REFRESH_MS);
  const isMember = role === "member";
  return (
    <>
      <State state={state} note={note} />
      <Facts
        of={[
          ["Role", role],
          ["Published", role === "root" ? undefined : `${rateText(published)} events/s`],
          ["Handled", isMember ? `${rateText(handled)} events/s` : undefined],
          ["Waiting", isMember ? String(lag ?? 0) : undefined],
          ["Outbox", outbox === undefined ? undefined : `${outbox} events wait on its machine's disk`],
          ["Last delivery", lastActive === undefined ? undefined : `${agoText(lastActive, Date.now())} ago`],
        ]}
      />
      <nav class="mesh-links" aria-label="More about it">
        <Link
          to="/live"
          query={role === "root" ? { at: "root" } : { at: subnet, origin: isMember ? id : undefined }}
        >
          Live events
        </Link>
        {role === "root" ? null : (
          <Link to="/dead-letters" query={{ at: subnet }}>
            Dead letters
          </Link>
        )}
        {isMember ? (
          <Link to="/policy" query={{ member: id }}>
            What policy lets it do
          </Link>
        ) : null}
      </nav>
      <Answered asked={asked}>{(answer) => <NodeDetails answer={answer} isMember={isMember} />}</Answered>
    </>
  );
}

function NodeDetails({
  answer: { node, durables },
  isMember,
}: {
  readonly answer: NodeAnswer;
  readonly isMember: boolean;
}): JSX.Element {
  const now = Date.now();
  return (
    <>
      {node === undefined ? (
        <p class="dim">
          Its daemon runs on another machine. <code>adaos status</code> there tells the rest.
        </p>
      ) : (
        <DaemonFacts node={node} />
      )}
      {isMember ? (
        <>
          <h3>Durables</h3>
          <Table
            caption="Durables of this member"
            columns={[
              {
                title: "Durable",
                cell: ({ durable, pattern, paused }) => (
                  <>
                    <Text of={durable} /> {paused ? <span class="badge warning">paused</span> : null}
                    <span class="dim">
                      {pattern === undefined || pattern === durable ? "" : " takes "}
                      <Text of={pattern ?? ""} />
                    </span>
                  </>
                ),
              },
              { title: "Pending", isNumber: true, cell: ({ pending }) => pending },
              { title: "In hand", isNumber: true, cell: ({ unsettled }) => unsettled },
              {
                title: "Last",
                cell: ({ lastActive }) => (lastActive === undefined ? "never" : agoText(lastActive, now)),
              },
            ]}
            rows={durables}
            keyOf={({ durable }) => durable}
            empty="It has no durable: no program of it has subscribed to an event with a durable."
          />
        </>
      ) : null}
      {node === undefined || node.parts.length === 0 ? null : <Parts parts={node.parts} />}
    </>
  );
}

type Daemon = NonNullable<NodeAnswer["node"]>;

function DaemonFacts({ node }: { readonly node: Daemon }): JSX.Element {
  const { away, status_url, pid, started_at, certificates, server } = node;
  const now = Date.now();
  const part = (name: string, key: string): string | undefined => {
    const value = node.parts.find((one) => one.name === name)?.details[key];
    return typeof value === "string" ? value.slice(0, 12) : undefined;
  };
  return (
    <Facts
      of={[
        ["Daemon", away],
        ["Address", status_url],
        ["Process", pid === undefined ? undefined : String(pid)],
        ["Started", started_at === undefined ? undefined : `${agoText(started_at, now)} ago`],
        ["Registry", part("registry", "hash")],
        ["Policy", part("config", "digest")],
        ...certificates.map(
          ({ name, ends }) => [`Certificate ${name}`, `ends ${ends.slice(0, 10)}`] as const,
        ),
        [
          "Server",
          server === undefined ? undefined : `${server.name} ${server.version ?? ""} at ${server.url}`,
        ],
        ["Server state", server?.away],
        [
          "Server since",
          server?.started_at === undefined
            ? undefined
            : `${agoText(server.started_at, now)}, ${server.connections} clients, ${server.leaves} leaves, ${Math.round((server.memory_bytes ?? 0) / 1_048_576)} MiB`,
        ],
      ]}
    />
  );
}

function Parts({ parts }: { readonly parts: Daemon["parts"] }): JSX.Element {
  return (
    <>
      <h3>Parts</h3>
      <ul>
        {parts.map(({ name, ready, note, details }) => (
          <li key={name}>
            <details>
              <summary>
                <Text of={name} /> {ready ? "" : <span class="error">not ready</span>}{" "}
                <span class="dim">
                  <Text of={note} />
                </span>
              </summary>
              <JsonView of={details} max={4000} />
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

function LinkSide({ link }: { readonly link: MapLink }): JSX.Element {
  const { subnet, direction, state, note, lag, carried, refused, refusals, carriers } = link;
  return (
    <>
      <State state={state} note={note} />
      <p class="dim">
        {direction === "up"
          ? "It carries what the subnet exports to the root."
          : "It carries what the subnet imports from the root."}
      </p>
      <Facts
        of={[
          ["Carried", `${rateText(carried)} events/s`],
          ["Waiting", lag === undefined ? "not known here" : String(lag)],
          ["Refused", `${refused}, now ${rateText(refusals)} a second`],
        ]}
      />
      <nav class="mesh-links" aria-label="More about it">
        <Link to="/live" query={direction === "up" ? { at: "root", origin: subnet } : { at: subnet }}>
          Live events
        </Link>
        <Link to="/policy" query={{ denials: subnet }}>
          Denials
        </Link>
        <Link to="/mesh" query={{ show: `${subnet}/hub` }}>
          Hub
        </Link>
      </nav>
      <h3>Root daemons</h3>
      <Table
        caption="Root daemons at this link"
        columns={[
          { title: "Daemon", cell: ({ root }) => <Text of={root} /> },
          {
            title: "State",
            cell: ({ state: word }) => <span class={word === "down" ? "error" : undefined}>{word}</span>,
          },
          { title: "Carried", isNumber: true, cell: (carrier) => carrier.carried },
          { title: "Note", cell: (carrier) => <Text of={carrier.note} /> },
        ]}
        rows={carriers}
        keyOf={({ root }) => root}
        empty="No root daemon of this machine answers for it."
      />
    </>
  );
}
