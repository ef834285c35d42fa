import type { JSX } from "preact";
import type { Away } from "../../../api/event.ts";
import { Notice } from "../../parts/notice.tsx";

/** Servers that could not be asked: what they hold is missing in the answer. */
export function AwayNotices({ away }: { readonly away: readonly Away[] }): JSX.Element {
  return (
    <>
      {away.map(({ of, reason }) => (
        <Notice key={of} kind="warning">{`${of} is left out: ${reason}`}</Notice>
      ))}
    </>
  );
}
