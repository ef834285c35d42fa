import type { JSX } from "preact";
import type { Drift, DriftAnswer } from "../../../api/contracts.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";

/** The drift of the whole registry in the last 24 hours. */
export function DriftList(): JSX.Element {
  const asked = useAsk<DriftAnswer>("/api/contracts-drift", { hours: 24 });
  return (
    <Answered asked={asked}>
      {({ drifts, notes }) => (
        <>
          {notes.map((note) => (
            <Notice key={note} kind="warning">
              {note}
            </Notice>
          ))}
          <Table
            caption="Drift of the last 24 hours"
            columns={[
              {
                title: "Event",
                cell: ({ event }) => (
                  <Link to="/contracts" query={{ event }}>
                    <Text of={event} />
                  </Link>
                ),
              },
              { title: "Drift", cell: ({ drift }) => drift.replaceAll("-", " ") },
              { title: "Role", cell: ({ role }) => role },
              { title: "Component", cell: ({ component }) => <Text of={component} /> },
              { title: "Nodes", cell: ({ nodes }) => <Text of={nodes.join(" ")} /> },
            ]}
            rows={drifts}
            keyOf={({ drift, event, role, component }: Drift) => `${drift} ${event} ${role} ${component}`}
            empty="No drift: everything declared was seen, and everything seen is declared."
          />
        </>
      )}
    </Answered>
  );
}
