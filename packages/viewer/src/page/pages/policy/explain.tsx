import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Explanation } from "../../../api/policy.ts";
import { useAsk } from "../../app/ask.ts";
import { navigate } from "../../app/navigate.tsx";
import { Answered } from "../../parts/answered.tsx";
import { Name } from "../../parts/name.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { shortPlace } from "./rights-table.tsx";

const KEYS = ["verb", "event", "as", "to", "from"] as const;
type Form = Readonly<Record<(typeof KEYS)[number], string>>;

/** May this pass? The same answer as that of `adaos policy explain`. */
export function Explain({ query }: { readonly query: URLSearchParams }): JSX.Element {
  const asked = formOf(query);
  const [form, setForm] = useState<Form>(asked);
  const { verb } = form;
  const isMembers = verb === "publish" || verb === "subscribe";
  const set = (key: keyof Form, value: string): void => setForm((before) => ({ ...before, [key]: value }));
  const submit = (event: Event): void => {
    event.preventDefault();
    const to = verb === "publish" ? form.to : "";
    const from = verb === "import" ? form.from : "";
    navigate("/policy", { ...Object.fromEntries(query), ...form, to, from });
  };
  const isAsked = asked.event !== "" && asked.as !== "";
  return (
    <section class="wide-tables" aria-label="Explain">
      <h2>May this pass?</h2>
      <form class="policy-form" onSubmit={submit}>
        <div class="row">
          <label>
            Right
            <select value={verb} onChange={({ currentTarget }) => set("verb", currentTarget.value)}>
              {["publish", "subscribe", "export", "import"].map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          <Field
            name={verb === "subscribe" ? "Event or pattern" : "Event"}
            value={form.event}
            onValue={(value) => set("event", value)}
            hint="ui.notify@1"
          />
          <Field
            name={isMembers ? "As member" : "As subnet"}
            value={form.as}
            onValue={(value) => set("as", value)}
            hint={isMembers ? "subnet/member" : "subnet"}
            list={isMembers ? "policy-members" : undefined}
          />
          {verb === "publish" ? (
            <Field
              name="To member (may be empty)"
              value={form.to}
              onValue={(value) => set("to", value)}
              hint="subnet/member"
              list="policy-members"
              isOptional
            />
          ) : null}
          {verb === "import" ? (
            <Field
              name="From subnet"
              value={form.from}
              onValue={(value) => set("from", value)}
              hint="subnet"
            />
          ) : null}
          <button type="submit" class="main">
            Explain
          </button>
        </div>
      </form>
      {isAsked ? <Explained key={JSON.stringify(asked)} form={asked} /> : null}
    </section>
  );
}

function formOf(query: URLSearchParams): Form {
  const [verb = "publish", event = "", as = "", to = "", from = ""] = KEYS.map(
    (key) => query.get(key) ?? undefined,
  );
  return { verb, event, as, to, from };
}

interface FieldProps {
  readonly name: string;
  readonly value: string;
  readonly hint: string;
  readonly list?: string | undefined;
  readonly isOptional?: boolean;
  readonly onValue: (value: string) => void;
}

function Field({ name, value, hint, list, isOptional = false, onValue }: FieldProps): JSX.Element {
  return (
    <label>
      {name}
      <input
        type="text"
        value={value}
        placeholder={hint}
        maxLength={200}
        required={!isOptional}
        list={list}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
    </label>
  );
}

function Explained({ form }: { readonly form: Form }): JSX.Element {
  const asked = useAsk<Explanation>("/api/policy/explain", form);
  return (
    <Answered asked={asked}>
      {({ allowed, known, hops, not_in_force = [] }) => (
        <>
          <Notice kind={allowed ? "good" : "error"}>
            {allowed ? "It passes every hop." : "It does not pass."}
          </Notice>
          {known ? null : (
            <Notice kind="warning">{`${form.event} is not in the registry: to publish it is an error, whatever policy says.`}</Notice>
          )}
          {not_in_force.map((line) => (
            <Notice key={line} kind="warning">
              {line}
            </Notice>
          ))}
          <Table
            caption="Hops"
            columns={[
              { title: "Hop", cell: ({ verb }) => verb },
              {
                title: "Who",
                cell: ({ who, from }) => <Name of={from === undefined ? who : `${who} from ${from}`} />,
              },
              {
                title: "Answer",
                cell: (hop) => (
                  <span class={hop.allowed ? "good" : "error"}>{hop.allowed ? "allow" : "deny"}</span>
                ),
              },
              { title: "Rule", cell: ({ rule }) => <Name of={rule} /> },
              {
                title: "Place",
                cell: ({ place }) => (place === undefined ? "" : <Text of={shortPlace(place)} />),
              },
              { title: "Reason", cell: ({ reason = "" }) => <Text of={reason} /> },
            ]}
            rows={hops}
            keyOf={({ verb, who, from = "" }) => `${verb} ${who} ${from}`}
            empty="There is no hop."
          />
        </>
      )}
    </Answered>
  );
}
