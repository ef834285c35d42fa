import type { JSX } from "preact";
import type { HealthMesh } from "../../../api/health.ts";
import type { Asked } from "../../app/ask.ts";
import { Answered } from "../../parts/answered.tsx";
import { Name, Told } from "../../parts/name.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";

/** Servers, daemons and links, those that are not ready first; and files that cannot be used. */
export function Components({ asked }: { readonly asked: Asked<HealthMesh> }): JSX.Element {
  return (
    <section aria-labelledby="components">
      <h2 id="components">Components</h2>
      <Answered asked={asked}>
        {({ components, config }) => (
          <>
            <ConfigErrors of={config.errors} />
            <ComponentTable
              caption="Components that are not ready"
              of={components.filter(({ ready }) => !ready)}
              empty="Everything is ready."
            />
            <details>
              <summary>{components.filter(({ ready }) => ready).length} ready components</summary>
              <ComponentTable
                caption="Components that are ready"
                of={components.filter(({ ready }) => ready)}
                empty="None is ready; adaos up starts the mesh."
              />
            </details>
          </>
        )}
      </Answered>
    </section>
  );
}

interface ComponentTableProps {
  readonly caption: string;
  readonly of: HealthMesh["components"];
  readonly empty: string;
}

function ComponentTable({ caption, of, empty }: ComponentTableProps): JSX.Element {
  return (
    <Table
      caption={caption}
      rows={of}
      keyOf={({ kind, name }) => `${kind} ${name}`}
      empty={empty}
      columns={[
        {
          title: "State",
          cell: ({ ready }) => (
            <span class={`badge ${ready ? "good" : "error"}`}>{ready ? "ready" : "not ready"}</span>
          ),
        },
        { title: "Kind", cell: ({ kind }) => kind },
        { title: "Name", cell: ({ name }) => <Name of={name} /> },
        { title: "Events waiting", isNumber: true, cell: ({ lag }) => lag ?? "" },
        { title: "Address, or why", cell: ({ note }) => <Told of={note} /> },
      ]}
    />
  );
}

function ConfigErrors({ of }: { readonly of: HealthMesh["config"]["errors"] }): JSX.Element | null {
  if (of.length === 0) return null;
  return (
    <div class="broken">
      <h3 class="error">Broken configuration</h3>
      <Table
        caption="Errors in files"
        rows={of}
        keyOf={(error) => JSON.stringify(error)}
        empty=""
        columns={[
          { title: "File", cell: ({ file }) => <Text of={file} max={300} /> },
          { title: "Line", cell: ({ place }) => (place === undefined ? "" : <Name of={lineOf(place)} />) },
          { title: "Message", cell: ({ message }) => <Told of={message} /> },
          { title: "What to do", cell: ({ remedy }) => <Told of={remedy} /> },
        ]}
      />
    </div>
  );
}

/** `7:5` of `deploy/mesh.yaml:7:5`. */
function lineOf(place: string): string {
  return /\d+:\d+$/.exec(place)?.[0] ?? place;
}
