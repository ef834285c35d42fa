import type { JSX } from "preact";
import type { PolicyAnswer, Rights } from "../../../api/policy.ts";
import { Link } from "../../app/navigate.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";

/** One line for each member and verb, with its rules in the order in which they are asked. */
export function RightsTable({ answer: { rights } }: { readonly answer: PolicyAnswer }): JSX.Element {
  return (
    <div class="policy-rights">
      <Table
        caption="Rights by member"
        columns={[
          {
            title: "Who",
            cell: ({ who }) =>
              who.includes("/") ? (
                <Link to="/policy" query={{ member: who }}>
                  <Text of={who} />
                </Link>
              ) : (
                <Text of={who} />
              ),
          },
          { title: "May", cell: ({ verb }) => verb },
          {
            title: "By the rules, the first that matches wins",
            cell: ({ rules }) => <Rules rules={rules} />,
          },
          { title: "Events that pass", cell: (row) => <Allowed row={row} /> },
        ]}
        rows={rights}
        keyOf={({ who, verb }) => `${who} ${verb}`}
        empty="Nobody: the mesh has no such member, or no rule lets it pass. Members and rules are in mesh.yaml."
      />
    </div>
  );
}

function Rules({ rules }: Pick<Rights, "rules">): JSX.Element {
  if (rules.length === 0) return <span class="dim">nothing: no rule allows it</span>;
  return (
    <ul class="rules">
      {rules.map(({ id, effect, pattern, from, place }) => (
        <li key={`${id} ${effect} ${pattern} ${from?.join() ?? ""}`}>
          <span class={effect === "allow" ? "good" : "error"}>{effect}</span>{" "}
          <code>
            <Text of={pattern} />
          </code>
          {from === undefined ? null : (
            <>
              {" from "}
              <Text of={from.join(", ")} />
            </>
          )}{" "}
          <span class="dim">
            <Text of={id} /> {place === undefined ? null : <Text of={shortPlace(place)} />}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Allowed({ row: { allowed, count } }: { readonly row: Rights }): JSX.Element {
  if (allowed === undefined) return <>{count}</>;
  if (allowed.length === 0) return <span class="dim">none of the registry</span>;
  return <Text of={allowed.join(", ")} />;
}

/** The folder of the file is above the table. Pure. */
export function shortPlace(place: string): string {
  return place.slice(place.lastIndexOf("/") + 1);
}
