import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { EventSchema, PublishAnswer, PublishRequest } from "../../../api/live.ts";
import { AskError, change } from "../../app/ask.ts";
import { Link } from "../../app/navigate.tsx";
import { useSession } from "../../app/session.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { SchemaForm } from "../../parts/form/schema-form.tsx";
import { dataOf, type FieldTexts, fieldOfPointer, textsOf } from "../../parts/form/schema-values.ts";
import { JsonView } from "../../parts/json-view.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import type { LiveRow } from "./live-window.ts";

interface PublishAgainProps {
  readonly row: LiveRow;
  /** Undefined when the registry does not know the event: the data is JSON text then. */
  readonly schema: EventSchema | undefined;
  readonly onClose: () => void;
}

type Step =
  | { readonly kind: "edit" }
  | { readonly kind: "confirm"; readonly data: unknown }
  | { readonly kind: "sending"; readonly data: unknown }
  | { readonly kind: "done"; readonly answer: PublishAnswer };

/** A form that publishes an event of the same kind as a member of this machine. */
export function PublishAgain({ row, schema, onClose }: PublishAgainProps): JSX.Element {
  const { members } = useSession();
  const { origin, envelope } = row.event;
  const fields = schema?.fields ?? [];
  const [texts, setTexts] = useState<FieldTexts>(() => textsOf(fields, envelope.data));
  const [as, setAs] = useState(members.includes(origin) ? origin : (members[0] ?? ""));
  const [step, setStep] = useState<Step>({ kind: "edit" });
  const [refused, setRefused] = useState<AskError | undefined>();
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const check = (event: Event): void => {
    event.preventDefault();
    const made = dataOf(fields, texts);
    setProblems(made.problems);
    setRefused(undefined);
    if (Object.keys(made.problems).length === 0) setStep({ kind: "confirm", data: made.data });
  };
  const send = (data: unknown): void => {
    setStep({ kind: "sending", data });
    const request: PublishRequest = { event: row.kind, as, data };
    change<PublishAnswer>("POST", "/api/events", request).then(
      (answer) => setStep({ kind: "done", answer }),
      (thrown: unknown) => {
        const error = thrown instanceof AskError ? thrown : undefined;
        setRefused(error ?? new AskError(0, { code: "internal", message: String(thrown) }));
        setProblems(problemsOf(error));
        setStep({ kind: "edit" });
      },
    );
  };
  return (
    <Dialog title={`Publish ${row.kind} again`} onClose={onClose}>
      {refused === undefined ? null : <Refused error={refused} />}
      {step.kind === "edit" ? (
        <form onSubmit={check} noValidate>
          <MemberChoice members={members} as={as} onChange={setAs} />
          <SchemaForm
            fields={fields}
            texts={texts}
            problems={problems}
            onChange={(name, text) => setTexts((before) => ({ ...before, [name]: text }))}
          />
          <div class="row">
            <button type="submit" class="main" disabled={members.length === 0}>
              Check and publish …
            </button>
            <button type="button" onClick={onClose}>
              Cancel
            </button>
          </div>
        </form>
      ) : null}
      {step.kind === "confirm" || step.kind === "sending" ? (
        <Confirm
          as={as}
          kind={row.kind}
          data={step.data}
          isSending={step.kind === "sending"}
          onYes={() => send(step.data)}
          onNo={() => setStep({ kind: "edit" })}
        />
      ) : null}
      {step.kind === "done" ? <Done answer={step.answer} onClose={onClose} /> : null}
    </Dialog>
  );
}

/** The first error of each field. */
function problemsOf(error: AskError | undefined): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const { pointer, expected } of error?.error.violations ?? [])
    problems[fieldOfPointer(pointer)] ??= expected;
  return problems;
}

function Refused({ error }: { readonly error: AskError }): JSX.Element {
  const { message, rule } = error.error;
  return <Notice kind="error">{rule === undefined ? message : `${message} (rule ${rule})`}</Notice>;
}

interface MemberChoiceProps {
  readonly members: readonly string[];
  readonly as: string;
  readonly onChange: (member: string) => void;
}

function MemberChoice({ members, as, onChange }: MemberChoiceProps): JSX.Element {
  const choices = useMemo(() => members.toSorted(), [members]);
  if (members.length === 0)
    return (
      <Notice kind="warning">
        No member runs on this machine; mesh.yaml lists members under subnets, and adaos up starts them.
      </Notice>
    );
  return (
    <label class="schema-field">
      Published as
      <select value={as} onChange={(event) => onChange(event.currentTarget.value)}>
        {choices.map((member) => (
          <option key={member} value={member}>
            {member}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ConfirmProps {
  readonly as: string;
  readonly kind: string;
  readonly data: unknown;
  readonly isSending: boolean;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

function Confirm({ as, kind, data, isSending, onYes, onNo }: ConfirmProps): JSX.Element {
  return (
    <>
      <p>
        This publishes a new <Text of={kind} /> as {as}. Every subscriber handles it. The audit trail records
        it.
      </p>
      <JsonView of={data} />
      <div class="row">
        <button type="button" class="main" disabled={isSending} onClick={onYes}>
          {isSending ? "Publishing …" : "Publish now"}
        </button>
        <button type="button" disabled={isSending} onClick={onNo}>
          Back
        </button>
      </div>
    </>
  );
}

function Done({
  answer,
  onClose,
}: {
  readonly answer: PublishAnswer;
  readonly onClose: () => void;
}): JSX.Element {
  const isKept = answer.stream === "outbox";
  return (
    <>
      <Notice kind="good">
        {isKept
          ? "The hub is away: kept on this machine as "
          : `Stored at ${answer.stream} ${answer.seq} as `}
        <Link to="/event" query={{ id: answer.event_id }}>
          {answer.event_id}
        </Link>
      </Notice>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </>
  );
}
