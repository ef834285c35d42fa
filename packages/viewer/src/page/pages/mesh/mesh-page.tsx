import type { JSX } from "preact";
import type { MeshMap } from "../../../api/mesh.ts";
import { useAsk } from "../../app/ask.ts";
import { navigate, useAddress } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { countsOf } from "./figures.ts";
import { MeshChanges } from "./mesh-changes.tsx";
import { MeshDiagram } from "./mesh-diagram.tsx";
import { MeshSide } from "./mesh-side.tsx";
import { MeshTables } from "./mesh-tables.tsx";
import "./mesh.css";

const REFRESH_MS = 3000;

/** Root, subnets, members and links, drawn; and what has changed. */
export function MeshPage(): JSX.Element {
  const asked = useAsk<MeshMap>("/api/mesh", {}, REFRESH_MS);
  const { query } = useAddress();
  const show = query.get("show") ?? undefined;
  const kinds = query.getAll("kind");
  const queryOf = (id: string): Record<string, string | readonly string[]> => ({ show: id, kind: kinds });
  return (
    <>
      <Answered asked={asked}>
        {(map) => (
          <>
            <Head map={map} />
            <div class={show === undefined ? "mesh-view" : "mesh-view beside"}>
              <MeshDiagram map={map} shown={show} queryOf={queryOf} />
              {show === undefined ? null : (
                <MeshSide map={map} show={show} onClose={() => navigate("/mesh", { kind: kinds })} />
              )}
            </div>
          </>
        )}
      </Answered>
      <MeshChanges
        kinds={kinds}
        onKinds={(next) => navigate("/mesh", { show, kind: next }, { replace: true })}
      />
      {asked.answer === undefined ? null : <MeshTables map={asked.answer} queryOf={queryOf} />}
    </>
  );
}

function Head({ map }: { readonly map: MeshMap }): JSX.Element {
  const { ready, known } = countsOf(map);
  const { at, window_s, supervisor, joined_to, errors } = map;
  return (
    <>
      <div class="mesh-head">
        <span class={`badge ${map.ready ? "good" : "error"}`}>{map.ready ? "ready" : "not ready"}</span>
        <span>
          {ready} of {known} servers, nodes and links are ready
        </span>
        <span class="dim">
          as of <When at={at} />
          {window_s === 0 ? "" : `, events a second over ${window_s} s: ▲ published ✓ handled`}
        </span>
      </div>
      {joined_to === undefined ? null : (
        <Notice kind="info">{`This machine has joined the mesh of ${joined_to}. The map has what can be seen from here.`}</Notice>
      )}
      {supervisor?.ready === false ? (
        <Notice kind="error">{`The supervisor ${supervisor.note}`}</Notice>
      ) : null}
      {errors.map((error) => (
        <Notice key={error} kind="error">
          <Text of={error} />
        </Notice>
      ))}
    </>
  );
}
