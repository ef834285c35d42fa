import type { JSX } from "preact";
import type { DenialsAnswer } from "../../../api/policy.ts";
import { useAsk } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Name } from "../../parts/name.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { shortPlace } from "./rights-table.tsx";

const REFRESH_MS = 5000;

/** What policy has denied in the last 24 hours, by rule. @param subnet Of one subnet and its members alone. */
export function Denials({ subnet }: { readonly subnet: string | undefined }): JSX.Element {
  const asked = useAsk<DenialsAnswer>("/api/policy/denials", { hours: 24 }, REFRESH_MS);
  return (
    <section aria-label="Denials">
      <h2>
        Denied in the last 24 hours{" "}
        {subnet === undefined ? null : (
          <>
            in <Text of={subnet} />
          </>
        )}
      </h2>
      {subnet === undefined ? null : (
        <p>
          <Link to="/policy">All subnets</Link>
        </p>
      )}
      <p class="dim">
        As hubs and root report it. What a member refuses itself, before it sends, counts as rejected on the
        page <Link to="/health">Health</Link>.
      </p>
      <Answered asked={asked}>
        {({ denials, away }) => (
          <div class="denials wide-tables">
            {away.map(({ of, reason }) => (
              <Notice key={of} kind="warning">{`${of} is left out: ${reason}`}</Notice>
            ))}
            <Table
              caption="Denials by rule"
              columns={[
                {
                  title: "Last",
                  cell: ({ last }) => <When at={last} isFar />,
                },
                { title: "Times", isNumber: true, cell: ({ count }) => count },
                { title: "Hop", cell: ({ hop }) => hop },
                {
                  title: "Who",
                  cell: ({ node, from }) => <Name of={from === undefined ? node : `${node} from ${from}`} />,
                },
                { title: "Event", cell: ({ event }) => <Name of={event} /> },
                {
                  title: "Rule",
                  cell: ({ rule, place }) => (
                    <>
                      <Text of={rule} />{" "}
                      <span class="dim">{place === undefined ? null : <Text of={shortPlace(place)} />}</span>
                    </>
                  ),
                },
                { title: "Reason", cell: ({ reason }) => <Text of={reason} max={400} /> },
              ]}
              rows={denials.filter(({ node }) => subnet === undefined || node.split("/")[0] === subnet)}
              keyOf={({ hop, node, from = "", event, rule }) => [hop, node, from, event, rule].join(" ")}
              empty="Policy has denied nothing. Hubs and root report what they deny as mesh.policy.denied."
            />
          </div>
        )}
      </Answered>
    </section>
  );
}
