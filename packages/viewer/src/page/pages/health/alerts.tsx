import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { HealthAlerts, RaisedAlert } from "../../../api/health.ts";
import type { Asked } from "../../app/ask.ts";
import { useIsOperator } from "../../app/session.ts";
import { Answered } from "../../parts/answered.tsx";
import { Command } from "../../parts/copy-button.tsx";
import { Name, Told } from "../../parts/name.tsx";
import { Notice } from "../../parts/notice.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Text } from "../../parts/text.tsx";
import { When } from "../../parts/when.tsx";
import { SilenceDialog, UnsilenceDialog } from "./silence-dialogs.tsx";

type Open =
  | { readonly kind: "silence"; readonly names: readonly string[] }
  | { readonly kind: "unsilence"; readonly name: string };

/** Alerts that are raised, silences, and what was raised and cleared before. */
export function Alerts({ asked }: { readonly asked: Asked<HealthAlerts> }): JSX.Element {
  const isOperator = useIsOperator();
  const [open, setOpen] = useState<Open | undefined>();
  const done = (): void => {
    setOpen(undefined);
    asked.again();
  };
  const close = (): void => setOpen(undefined);
  return (
    <section aria-labelledby="alerts">
      <h2 id="alerts">Alerts</h2>
      <Answered asked={asked}>
        {(answer) => (
          <>
            <AwayAndUndelivered of={answer} />
            <Raised
              of={answer}
              {...(isOperator ? { onSilence: (names) => setOpen({ kind: "silence", names }) } : {})}
            />
            {isOperator && answer.isJudged ? (
              <p>
                <button
                  type="button"
                  class="small"
                  onClick={() => setOpen({ kind: "silence", names: answer.rules })}
                >
                  Silence a rule …
                </button>
              </p>
            ) : null}
            <Silences
              of={answer}
              {...(isOperator ? { onEnd: (name) => setOpen({ kind: "unsilence", name }) } : {})}
            />
            <History of={answer} />
          </>
        )}
      </Answered>
      {open?.kind === "silence" ? <SilenceDialog names={open.names} onDone={done} onClose={close} /> : null}
      {open?.kind === "unsilence" ? <UnsilenceDialog name={open.name} onDone={done} onClose={close} /> : null}
    </section>
  );
}

function AwayAndUndelivered({ of: { away, undelivered } }: { readonly of: HealthAlerts }): JSX.Element {
  return (
    <>
      {away.map(({ of, reason }) => (
        <Notice key={of} kind="warning">{`the alerts of ${of} are left out: ${reason}`}</Notice>
      ))}
      {undelivered.map(({ webhook, at, reason, alerts }) => (
        <Notice key={`${webhook} ${at}`} kind="warning">
          {`webhook ${webhook} did not take ${alerts.join(", ")} at ${at}: ${reason}`}
        </Notice>
      ))}
    </>
  );
}

interface RaisedProps {
  readonly of: HealthAlerts;
  /** Given to operators. */
  readonly onSilence?: (names: readonly string[]) => void;
}

function Raised({ of, onSilence }: RaisedProps): JSX.Element {
  const buttons: Column<RaisedAlert>[] =
    onSilence === undefined
      ? []
      : [
          {
            title: "Change",
            cell: ({ alert }) => (
              <button
                type="button"
                class="small"
                onClick={() => onSilence([alert.alert, alert.alert.split("/")[0] ?? alert.alert])}
              >
                Silence …
              </button>
            ),
          },
        ];
  return (
    <Table
      caption="Alerts that are raised now"
      rows={of.raised}
      keyOf={({ alert }) => `${alert.node} ${alert.alert}`}
      empty={
        of.isJudged
          ? "No alert is raised."
          : "Alerts are off here: write alerts: {} into the mesh file, and run adaos policy apply."
      }
      columns={[
        { title: "Severity", cell: ({ alert }) => <Severity of={alert.severity} /> },
        {
          title: "Alert",
          cell: ({ alert, silence }) => (
            <>
              <Name of={alert.alert} />
              {silence === null ? null : (
                <div class="dim">
                  silenced until <When at={silence.until} />
                </div>
              )}
            </>
          ),
        },
        { title: "Since", cell: ({ alert }) => <When at={alert.since} /> },
        {
          title: "What and why",
          cell: ({ alert }) => (
            <div class="told">
              <Text of={alert.summary} max={400} />
              <div class="dim">
                <Text of={alert.cause} max={400} />
              </div>
            </div>
          ),
        },
        { title: "Judged by", cell: ({ alert }) => <Name of={alert.node} /> },
        { title: "Look", cell: ({ alert }) => <Command text={alert.look} /> },
        ...buttons,
      ]}
    />
  );
}

function Severity({ of }: { readonly of: "critical" | "warning" }): JSX.Element {
  return <span class={`badge ${of === "critical" ? "error" : "warning"}`}>{of}</span>;
}

interface SilencesProps {
  readonly of: HealthAlerts;
  readonly onEnd?: (name: string) => void;
}

function Silences({ of: { silences }, onEnd }: SilencesProps): JSX.Element | null {
  if (silences.length === 0) return null;
  const buttons: Column<HealthAlerts["silences"][number]>[] =
    onEnd === undefined
      ? []
      : [
          {
            title: "Change",
            cell: ({ name }) => (
              <button type="button" class="small" onClick={() => onEnd(name)}>
                End …
              </button>
            ),
          },
        ];
  return (
    <>
      <h3>Silences</h3>
      <Table
        caption="Silences"
        rows={silences}
        keyOf={({ name }) => name}
        empty=""
        columns={[
          { title: "Alert or rule", cell: ({ name }) => <Text of={name} max={200} /> },
          { title: "Until", cell: ({ until }) => <When at={until} /> },
          { title: "By", cell: ({ by }) => <Text of={by} max={120} /> },
          { title: "Why", cell: ({ reason }) => <Text of={reason} max={300} /> },
          ...buttons,
        ]}
      />
    </>
  );
}

function History({ of: { history, isCut } }: { readonly of: HealthAlerts }): JSX.Element {
  return (
    <details>
      <summary>
        {history.length} change{history.length === 1 ? "" : "s"} in 7 days
      </summary>
      {isCut ? <p class="dim">Older ones are left out; adaos alerts --history shows all.</p> : null}
      <Table
        caption="Alerts raised and cleared, newest first"
        rows={history}
        keyOf={({ event_id }) => event_id}
        empty="No alert was raised or cleared in this time."
        columns={[
          { title: "At", cell: ({ at }) => <When at={at} /> },
          { title: "Change", cell: ({ change, told }) => `${change}${told ? "" : " (silenced)"}` },
          { title: "Severity", cell: ({ alert }) => <Severity of={alert.severity} /> },
          { title: "Alert", cell: ({ alert }) => <Name of={alert.alert} /> },
          { title: "Judged by", cell: ({ alert }) => <Name of={alert.node} /> },
          {
            title: "Why",
            cell: ({ change, alert }) => (change === "cleared" ? "" : <Told of={alert.cause} />),
          },
        ]}
      />
    </details>
  );
}
