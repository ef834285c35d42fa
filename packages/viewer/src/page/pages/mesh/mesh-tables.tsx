import type { JSX } from "preact";
import type { MeshMap } from "../../../api/mesh.ts";
import { Link } from "../../app/navigate.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { agoText, linkName, rateText, stateWord } from "./figures.ts";

interface TablesProps {
  readonly map: MeshMap;
  readonly queryOf: (show: string) => Record<string, string | readonly string[]>;
}

/** The same as the map, for those who read or hear tables. */
export function MeshTables({ map, queryOf }: TablesProps): JSX.Element {
  const now = Date.parse(map.at);
  const word = (state: Parameters<typeof stateWord>[0]): JSX.Element => (
    <span class={state === "ready" ? "good" : state === "elsewhere" ? "dim" : "error"}>
      {stateWord(state)}
    </span>
  );
  return (
    <div class="mesh-tables">
      <h2>Links</h2>
      <Table
        caption="Links between subnets and root"
        columns={[
          {
            title: "Link",
            cell: (link) => (
              <Link to="/mesh" query={queryOf(linkName(link))}>
                <Text of={linkName(link)} />
              </Link>
            ),
          },
          { title: "State", cell: ({ state }) => word(state) },
          { title: "Events/s", isNumber: true, cell: ({ carried }) => rateText(carried) },
          { title: "Waiting", isNumber: true, cell: ({ lag }) => lag ?? "–" },
          { title: "Refused", isNumber: true, cell: ({ refused }) => refused },
          {
            title: "Served by",
            cell: ({ carriers }) => (
              <Text
                of={carriers
                  .filter(({ state }) => state !== "down")
                  .map(({ root, state }) => (state === "serves" ? root : `${root} stands by`))
                  .join(", ")}
              />
            ),
          },
          { title: "Note", cell: ({ note }) => <Text of={note} max={300} /> },
        ]}
        rows={map.links}
        keyOf={linkName}
        empty="No subnet is linked to another: a link carries what export and import in mesh.yaml let pass."
      />
      {map.regions.length === 0 ? null : (
        <>
          <h2>Regions</h2>
          <Table
            caption="Links from other regions"
            columns={[
              { title: "Region", cell: ({ region }) => <Text of={region} /> },
              { title: "State", cell: ({ state }) => word(state) },
              { title: "Events/s", isNumber: true, cell: ({ carried }) => rateText(carried) },
              { title: "Refused", isNumber: true, cell: ({ refused }) => refused },
              { title: "Note", cell: ({ note }) => <Text of={note} max={300} /> },
            ]}
            rows={map.regions}
            keyOf={({ region }) => region}
            empty="There is none."
          />
        </>
      )}
      <h2>Nodes</h2>
      <Table
        caption="Nodes of the mesh"
        columns={[
          {
            title: "Node",
            cell: ({ id }) => (
              <Link to="/mesh" query={queryOf(id)}>
                <Text of={id} />
              </Link>
            ),
          },
          { title: "State", cell: ({ state }) => word(state) },
          {
            title: "Published/s",
            isNumber: true,
            cell: ({ published, role }) => (role === "root" ? "" : rateText(published)),
          },
          {
            title: "Handled/s",
            isNumber: true,
            cell: ({ handled, role }) => (role === "member" ? rateText(handled) : ""),
          },
          { title: "Waiting", isNumber: true, cell: ({ lag }) => lag ?? "" },
          {
            title: "Last delivery",
            cell: ({ lastActive }) => (lastActive === undefined ? "" : `${agoText(lastActive, now)} ago`),
          },
          { title: "Note", cell: ({ note }) => <Text of={note} max={300} /> },
        ]}
        rows={map.nodes}
        keyOf={({ id }) => id}
        empty="No daemon runs from this state folder: adaos up starts them."
      />
    </div>
  );
}
