import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Changed } from "../../../../api/behaviour.ts";
import { change } from "../../../app/ask.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { Text, visible } from "../../../parts/text.tsx";
import { pathOf } from "../words.ts";

interface StartRunProps {
  readonly scenario: string;
  readonly onDone: (changed: Changed) => void;
}

/** Starts a run with data that its expressions see as `event.data`. */
export function StartRun({ scenario, onDone }: StartRunProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="main"
        aria-label={`Run now ${visible(scenario)}`}
        onClick={() => setOpen(true)}
      >
        Run now
      </button>
      {isOpen ? (
        <StartDialog
          scenario={scenario}
          onClose={close}
          onDone={(changed) => {
            close();
            onDone(changed);
          }}
        />
      ) : null}
    </>
  );
}

function StartDialog({
  scenario,
  onDone,
  onClose,
}: StartRunProps & { readonly onClose: () => void }): JSX.Element {
  const [text, setText] = useState("{}");
  const [error, setError] = useState<string | undefined>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const data = objectOf(text);
    if (data === undefined) return setError('The data must be a JSON object, such as {"room":"attic"}.');
    setBusy(true);
    try {
      onDone(await change<Changed>("POST", pathOf("/api/scenarios", scenario, "/run"), { data }));
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown.message : String(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Run ${visible(scenario)} now`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {error === undefined ? null : <Notice kind="error">{error}</Notice>}
        <p>
          <Text of={scenario} /> runs as if somebody had published scenario.run@1. Conditions, cooldown and
          mode decide about it as about any other; a pause does not.
        </p>
        <label class="wide">
          Data, which its expressions see as event.data
          <textarea
            class="mono"
            rows={6}
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="row">
          <button type="submit" class="main" disabled={isBusy}>
            Run
          </button>
          <button type="button" onClick={onClose}>
            Do not run it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
