import type { JSX } from "preact";
import type { PolicyAnswer } from "../../../api/policy.ts";
import { useAsk } from "../../app/ask.ts";
import { Link, navigate, useAddress } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { Denials } from "./denials.tsx";
import { Explain } from "./explain.tsx";
import { RightsTable } from "./rights-table.tsx";
import "./policy.css";

const REFRESH_MS = 15_000;

/** Who may what, by which rule; what a question would be answered; and what was denied. */
export function PolicyPage(): JSX.Element {
  const { query } = useAddress();
  const member = query.get("member") ?? undefined;
  const passes = query.get("passes") ?? undefined;
  const asked = useAsk<PolicyAnswer>("/api/policy", { member, passes }, REFRESH_MS);
  const isJoined = asked.answer?.joined_to !== undefined;
  return (
    <>
      <Answered asked={asked}>
        {({ file, joined_to, pending, notes, members }) => (
          <>
            {file === undefined ? (
              <Notice kind="info">
                {`This machine has joined the mesh of ${joined_to}; the mesh file is there. Below are the rules that the daemons here have got. Questions are answered there: adaos policy explain.`}
              </Notice>
            ) : (
              <p class="dim">
                Rules of <Text of={file} />
              </p>
            )}
            {pending === 0 ? null : (
              <Notice kind="warning">
                {`The mesh file is not what is in force: adaos policy diff lists ${pending} changes, and adaos policy apply puts them in force.`}
              </Notice>
            )}
            {notes.map((note) => (
              <Notice key={note} kind="info">
                {note}
              </Notice>
            ))}
            <datalist id="policy-members">
              {members.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </>
        )}
      </Answered>
      {asked.answer === undefined || isJoined ? null : <Explain query={query} />}
      <Denials subnet={query.get("denials") ?? undefined} />
      <h2>Who may what</h2>
      {passes === undefined ? null : (
        <p>
          Only those whom <Text of={passes} max={200} /> passes. <Link to="/policy">All events</Link>
        </p>
      )}
      {asked.answer === undefined ? null : (
        <>
          <div class="row">
            <label>
              Member
              <select
                value={member ?? ""}
                onChange={({ currentTarget }) => navigate("/policy", withMember(query, currentTarget.value))}
              >
                <option value="">all</option>
                {asked.answer.members.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <RightsTable answer={asked.answer} />
          {asked.answer.more === 0 ? null : (
            <p class="dim">{asked.answer.more} more rows are left out; choose a member.</p>
          )}
          {member === undefined ? null : (
            <p>
              <Link to="/mesh" query={{ show: member }}>
                <Text of={member} /> in the mesh
              </Link>
            </p>
          )}
        </>
      )}
    </>
  );
}

/** The rest of the address stays. */
function withMember(query: URLSearchParams, member: string): Record<string, string> {
  return { ...Object.fromEntries(query), member };
}
