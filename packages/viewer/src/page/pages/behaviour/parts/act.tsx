import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Changed } from "../../../../api/behaviour.ts";
import { change } from "../../../app/ask.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Notice } from "../../../parts/notice.tsx";
import { useDryRun } from "./dry-run.ts";

/** What a change is, and how it is asked for. */
interface ActProps {
  /** On the button. */
  readonly label: string;
  /** Which thing, for screen readers, where several buttons have the same label. */
  readonly about: string;
  readonly path: string;
  readonly body?: object;
  readonly kind?: "main" | "danger" | "quiet";
  /** Asks first, in a dialog. */
  readonly confirm?: Confirm;
  readonly onDone: (changed: Changed) => void;
  readonly onFailed: (message: string) => void;
}

interface Confirm {
  readonly title: string;
  /** What it will do. With {@link isCounted}, how many the dry run has found. */
  readonly text: (counted: Changed | undefined) => ComponentChildren;
  /** Asks the server first what would be done. */
  readonly isCounted?: boolean;
}

/** A button that changes something. What destroys asks first. */
export function Act(props: ActProps): JSX.Element {
  const { label, about, path, body = {}, kind, confirm, onDone, onFailed } = props;
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const go = async (): Promise<void> => {
    setBusy(true);
    try {
      onDone(await change<Changed>("POST", path, body));
    } catch (thrown) {
      onFailed(thrown instanceof Error ? thrown.message : String(thrown));
    } finally {
      setBusy(false);
      if (isOpen) close();
    }
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={kind}
        disabled={isBusy}
        aria-label={`${label} ${about}`}
        onClick={() => (confirm === undefined ? void go() : setOpen(true))}
      >
        {label}
      </button>
      {isOpen && confirm !== undefined ? (
        <ConfirmDialog {...{ confirm, label, path, body, isBusy, go }} onClose={close} />
      ) : null}
    </>
  );
}

interface ConfirmDialogProps {
  readonly confirm: Confirm;
  readonly label: string;
  readonly path: string;
  readonly body: object;
  readonly isBusy: boolean;
  readonly go: () => Promise<void>;
  readonly onClose: () => void;
}

function ConfirmDialog({ confirm, label, path, body, isBusy, go, onClose }: ConfirmDialogProps): JSX.Element {
  const counts = useDryRun(confirm.isCounted === true ? path : undefined, body);
  const isReady = confirm.isCounted !== true || (counts.found?.count ?? 0) > 0;
  return (
    <Dialog title={confirm.title} onClose={onClose}>
      {counts.error === undefined ? null : <Notice kind="error">{counts.error}</Notice>}
      {confirm.isCounted === true && counts.found === undefined ? (
        counts.error === undefined ? (
          <p class="dim">Counting …</p>
        ) : null
      ) : (
        <div>{confirm.text(counts.found)}</div>
      )}
      <div class="row">
        <button type="button" class="danger" disabled={!isReady || isBusy} onClick={() => void go()}>
          {label}
        </button>
        <button type="button" onClick={onClose}>
          Keep as it is
        </button>
      </div>
    </Dialog>
  );
}
