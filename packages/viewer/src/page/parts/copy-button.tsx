import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { visible } from "./text.tsx";
import "./parts.css";

const SHOWN_MS = 2000;

interface CopyButtonProps {
  /** What is copied, byte for byte. */
  readonly text: string;
  /** @default "Copy" */
  readonly label?: string;
}

/** Copies a text. Only pages of this machine, and those served over TLS, may do so. */
export function CopyButton({ text, label = "Copy" }: CopyButtonProps): JSX.Element {
  const [done, setDone] = useState<string | undefined>();
  useEffect(() => {
    if (done === undefined) return;
    const timer = setTimeout(() => setDone(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied");
    } catch {
      setDone("Not allowed");
    }
  };
  return (
    <button
      type="button"
      class="small"
      aria-label={`${label}: ${visible(text.slice(0, 200))}`}
      onClick={copy}
    >
      <span aria-live="polite">{done ?? label}</span>
    </button>
  );
}

/** A command, and a button that copies it. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  return (
    <span class="command">
      <code>{visible(text)}</code> <CopyButton text={text} />
    </span>
  );
}
