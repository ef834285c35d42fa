import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { EventTrace } from "../../../api/event.ts";
import { AskError, ask, useAsk } from "../../app/ask.ts";
import { Answered } from "../../parts/answered.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { Notice } from "../../parts/notice.tsx";
import { Text } from "../../parts/text.tsx";
import { AwayNotices } from "./away-notices.tsx";
import { EventDetail } from "./event-detail.tsx";
import { findTraced } from "./trace-rows.ts";
import { TraceTree } from "./trace-tree.tsx";

interface EventTraceViewProps {
  /** Of an event, or a correlation id. */
  readonly id: string;
  readonly selected: string;
}

export function EventTraceView({ id, selected }: EventTraceViewProps): JSX.Element {
  const asked = useAsk<EventTrace>("/api/event/trace", { id });
  const { answer } = asked;
  // A correlation id that is no event's: the first event of its trace is shown.
  const [first] = answer?.trace.roots ?? [];
  const traced = answer === undefined ? undefined : (findTraced(answer.trace.roots, selected) ?? first);
  const shown = traced?.event_id ?? selected;
  return (
    <>
      <div class="row">
        <span>
          Trace of <Text of={id} max={200} />
        </span>
        <CopyButton text={id} label="Copy id" />
        <button type="button" class="small" onClick={asked.again}>
          Look again
        </button>
        {answer === undefined ? null : <OtlpButton id={id} />}
      </div>
      <Answered asked={asked}>
        {({ trace, isCut, away }) => (
          <>
            <AwayNotices away={away} />
            {isCut ? <Notice kind="warning">The trace is longer: only its beginning is shown.</Notice> : null}
            <TraceTree of={trace} id={id} selected={shown} />
          </>
        )}
      </Answered>
      {answer === undefined && asked.isAsking ? null : <EventDetail key={shown} id={shown} traced={traced} />}
    </>
  );
}

/** The document that `adaos trace --otlp` writes. */
function OtlpButton({ id }: { readonly id: string }): JSX.Element {
  const [problem, setProblem] = useState<string | undefined>();
  const download = async (): Promise<void> => {
    try {
      const document_ = await ask<object>("/api/event/otlp", { id });
      const url = URL.createObjectURL(new Blob([JSON.stringify(document_)], { type: "application/json" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = `trace-${id.replaceAll(/[^A-Za-z0-9-]/g, "_").slice(0, 80)}.json`;
      link.click();
      URL.revokeObjectURL(url);
      setProblem(undefined);
    } catch (thrown) {
      setProblem(thrown instanceof AskError ? thrown.message : String(thrown));
    }
  };
  return (
    <>
      <button type="button" class="small" onClick={download}>
        Download as OTLP JSON
      </button>
      {problem === undefined ? null : <Notice kind="error">{problem}</Notice>}
    </>
  );
}
