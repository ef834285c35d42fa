import type { JSX } from "preact";
import type { EventWhy } from "../../../api/event.ts";
import { useAsk } from "../../app/ask.ts";
import { Link, navigate, useAddress } from "../../app/navigate.tsx";
import { useSession } from "../../app/session.ts";
import { Answered } from "../../parts/answered.tsx";
import { Command } from "../../parts/copy-button.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { AwayNotices } from "./away-notices.tsx";
import { fieldsOf } from "./form-fields.ts";

const FIELDS = ["event", "from", "to", "since"] as const;
const TONES: Readonly<Record<string, string>> = {
  delivered: "good",
  denied: "error",
  invalid: "error",
  "dead letter": "error",
  expired: "error",
  "rate-limited": "error",
};

/** Asks why an event did not arrive, as `adaos why` does. */
export function WhyView(): JSX.Element {
  const { query } = useAddress();
  const { members } = useSession();
  const given = Object.fromEntries(FIELDS.map((key) => [key, query.get(key) ?? ""]));
  const submit = (event: SubmitEvent): void => navigate("/event", { view: "why", ...fieldsOf(event) });
  return (
    <>
      <form key={query.toString()} class="row" onSubmit={submit}>
        <label class="wide">
          Id of an event, or its name
          <input
            name="event"
            required
            maxLength={1024}
            defaultValue={given["event"]}
            placeholder="ui.notify"
          />
        </label>
        <label>
          Publisher (for a name)
          <input name="from" list="members" defaultValue={given["from"]} placeholder="alpha/kitchen" />
        </label>
        <label>
          Receiver (for a name)
          <input name="to" list="members" defaultValue={given["to"]} placeholder="all subscribers" />
        </label>
        <datalist id="members">
          {members.map((member) => (
            <option key={member} value={member} />
          ))}
        </datalist>
        <label>
          Since (for a name)
          <input name="since" class="short" defaultValue={given["since"]} placeholder="1h" maxLength={40} />
        </label>
        <button type="submit" class="main">
          Ask why
        </button>
      </form>
      {given["event"] === "" ? (
        <p class="dim">
          Each durable that should have the event gets a verdict: where the event stands, the rule or error,
          and the next command.
        </p>
      ) : (
        <Verdicts given={given} />
      )}
    </>
  );
}

function Verdicts({ given }: { readonly given: Readonly<Record<string, string | undefined>> }): JSX.Element {
  const asked = useAsk<EventWhy>("/api/event/why", given);
  return (
    <Answered asked={asked}>
      {({ about, verdicts, away }) => (
        <>
          <AwayNotices away={away} />
          {about === null ? (
            <Notice kind="info">
              No durable of the mesh receives it; name a receiver to ask about one member.
            </Notice>
          ) : (
            <p>
              <Text of={about.ref} max={200} />{" "}
              {about.id === null ? (
                "(none stored)"
              ) : (
                <Link to="/event" query={{ id: about.id }}>
                  <Text of={about.id} max={80} />
                </Link>
              )}{" "}
              of <Text of={about.from} />, <When at={about.since} />
            </p>
          )}
          <div class="verdicts">
            {verdicts.map((verdict) => (
              <VerdictCard key={`${verdict.to} ${verdict.hop}`} of={verdict} />
            ))}
          </div>
        </>
      )}
    </Answered>
  );
}

function VerdictCard({ of }: { readonly of: EventWhy["verdicts"][number] }): JSX.Element {
  const { verdict, to, hop, reason, by, place, since, next } = of;
  const text = (value: string | undefined): JSX.Element | undefined =>
    value === undefined ? undefined : <Text of={value} max={500} />;
  return (
    <section class="card" aria-label={`Verdict on ${to}`}>
      <h2>
        <Text of={to} /> <span class={`badge ${TONES[verdict] ?? "warning"}`}>{verdict}</span>
      </h2>
      <Facts
        of={[
          ["At", text(hop)],
          ["Because", text(reason)],
          ["Rule or error", text(by)],
          ["Place", text(place)],
          ["Since", since === undefined ? undefined : <When key="at" at={since} />],
          ["Next", <Command key="next" text={next} />],
        ]}
      />
    </section>
  );
}
