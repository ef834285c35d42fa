import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { AskError, change } from "../../app/ask.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text, visible } from "../../parts/text.tsx";

const SPANS = [
  ["30m", "30 minutes"],
  ["2h", "2 hours"],
  ["1d", "1 day"],
  ["7d", "7 days"],
] as const;

interface Sending {
  readonly problem: string | undefined;
  readonly isSending: boolean;
  send(path: string, body: object): void;
}

/** Sends a change once; its refusal stays in the dialog. */
function useSending(onDone: () => void): Sending {
  const [problem, setProblem] = useState<string | undefined>();
  const [isSending, setIsSending] = useState(false);
  const send = (path: string, body: object): void => {
    setIsSending(true);
    change("POST", path, body).then(onDone, (thrown: unknown) => {
      setProblem(thrown instanceof AskError ? thrown.message : String(thrown));
      setIsSending(false);
    });
  };
  return { problem, isSending, send };
}

interface SilenceDialogProps {
  /** Alerts and rules to choose from. */
  readonly names: readonly string[];
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function SilenceDialog({ names, onDone, onClose }: SilenceDialogProps): JSX.Element {
  const [name, setName] = useState(names[0] ?? "");
  const [span, setSpan] = useState<string>(SPANS[1][0]);
  const [reason, setReason] = useState("");
  const { problem, isSending, send } = useSending(onDone);
  const submit = (event: Event): void => {
    event.preventDefault();
    send("/api/health/silences", { name, for: span, reason });
  };
  return (
    <Dialog title="Silence an alert" onClose={onClose}>
      <p>
        A silenced alert is judged and shown as before, and calls no webhook. What is still raised at the end
        is sent then. A rule covers all of its alerts.
      </p>
      {problem === undefined ? null : <Notice kind="error">{problem}</Notice>}
      <form onSubmit={submit}>
        <div class="row">
          <label>
            Alert or rule
            <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
              {names.map((one) => (
                <option key={one} value={one}>
                  {visible(one)}
                </option>
              ))}
            </select>
          </label>
          <label>
            For
            <select value={span} onChange={(event) => setSpan(event.currentTarget.value)}>
              {SPANS.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <label class="wide">
            Why, for other operators
            <input value={reason} maxLength={300} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        </div>
        <div class="row">
          <button type="submit" class="main" disabled={isSending}>
            Silence
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface UnsilenceDialogProps {
  readonly name: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function UnsilenceDialog({ name, onDone, onClose }: UnsilenceDialogProps): JSX.Element {
  const { problem, isSending, send } = useSending(onDone);
  return (
    <Dialog title="End a silence" onClose={onClose}>
      <p>
        <Text of={name} max={200} /> is silenced no more. Alerts of it that are still raised are sent to
        webhooks.
      </p>
      {problem === undefined ? null : <Notice kind="error">{problem}</Notice>}
      <div class="row">
        <button
          type="button"
          class="main"
          disabled={isSending}
          onClick={() => send("/api/health/silences/end", { name })}
        >
          End the silence
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}
