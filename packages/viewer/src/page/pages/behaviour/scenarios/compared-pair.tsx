import type { JSX } from "preact";
import type { ComparedScenarios, RunDetail } from "../../../../api/behaviour.ts";
import { useAsk } from "../../../app/ask.ts";
import { Answered } from "../../../parts/answered.tsx";
import { Scroll } from "../../../parts/scroll.tsx";
import { spanText } from "../../../parts/spans.ts";
import { Text } from "../../../parts/text.tsx";
import { StateBadge } from "../parts/state-badge.tsx";

export type Pair = ComparedScenarios["pairs"][number];
type Run = RunDetail["run"];
type Record = Run["steps"][number];

/** A run and that of the shadow, step by step; the first difference is marked. */
export function ComparedPair({ pair }: { readonly pair: Pair }): JSX.Element {
  const live = useAsk<RunDetail>(pathOf(pair.live));
  const shadow = useAsk<RunDetail>(pathOf(pair.shadow));
  return (
    <section class="pair">
      <h2>
        <Text of={pair.trigger} max={80} /> <StateBadge of={pair.result} />
      </h2>
      <Answered asked={live}>
        {({ run: one }) => (
          <Answered asked={shadow}>
            {({ run: other }) => <BesideTable live={one} shadow={other} pair={pair} />}
          </Answered>
        )}
      </Answered>
    </section>
  );
}

function pathOf(id: string | undefined): string | undefined {
  return id === undefined ? undefined : `/api/runs/${encodeURIComponent(id)}`;
}

interface BesideProps {
  readonly live: Run;
  readonly shadow: Run;
  readonly pair: Pair;
}

function BesideTable({ live, shadow, pair }: BesideProps): JSX.Element {
  const rows = rowsOf(live, shadow);
  return (
    <Scroll label="Steps of both">
      <table>
        <caption class="heard">Steps of both runs</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Live</th>
            <th scope="col">Shadow</th>
            <th scope="col">Difference</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, step, a, b }) => {
            const isFirst = pair.step === step && pair.result === "differs";
            const isOther = !isFirst && isDifferent(a, b);
            return (
              <tr key={key} class={isFirst ? "differs" : undefined}>
                <th scope="row">
                  <code>
                    <Text of={step} />
                  </code>
                </th>
                <td>
                  <StepCell record={a} />
                </td>
                <td>
                  <StepCell record={b} />
                </td>
                <td>
                  {isFirst ? (
                    <strong class="error">
                      <Text of={pair.why ?? "differs"} max={300} />
                    </strong>
                  ) : isOther ? (
                    <span class="warning">differs too</span>
                  ) : null}
                </td>
              </tr>
            );
          })}
          <tr>
            <th scope="row">outcome</th>
            <td>
              <Outcome run={live} />
            </td>
            <td>
              <Outcome run={shadow} />
            </td>
            <td>
              {pair.step === undefined && pair.why !== undefined ? <Text of={pair.why} max={300} /> : null}
            </td>
          </tr>
        </tbody>
      </table>
    </Scroll>
  );
}

function StepCell({ record }: { readonly record: Record | undefined }): JSX.Element {
  if (record === undefined) return <span class="dim">–</span>;
  const { verb, event, branch, outcome, ms, error } = record;
  return (
    <>
      <strong>{verb}</strong> {event === undefined ? null : <Text of={event} max={200} />}
      {branch === undefined ? null : ` branch ${branch + 1}`} <StateBadge of={outcome} />
      {ms === undefined ? null : <span class="dim"> {spanText(ms)}</span>}
      {error === undefined ? null : (
        <div class="error">
          <Text of={error} max={300} />
        </div>
      )}
    </>
  );
}

function Outcome({ run: { outcome, reason, duration_ms } }: { readonly run: Run }): JSX.Element {
  return (
    <>
      <StateBadge of={outcome} /> <span class="dim">{spanText(duration_ms)}</span>{" "}
      {reason === undefined ? null : <Text of={reason} max={300} />}
    </>
  );
}

interface BesideRow {
  readonly key: string;
  readonly step: string;
  readonly a: Record | undefined;
  readonly b: Record | undefined;
}

/** Records of the same step beside each other, as often as each has them; in the order of the steps. Pure. */
export function rowsOf(live: Run, shadow: Run): BesideRow[] {
  const numbered = ({ steps }: Run): Map<string, Record> => {
    const seen = new Map<string, number>();
    return new Map(
      steps.map((record) => {
        const no = seen.get(record.step) ?? 0;
        seen.set(record.step, no + 1);
        return [`${record.step} ${no}`, record];
      }),
    );
  };
  const [lives, shadows] = [numbered(live), numbered(shadow)];
  return [...new Set([...lives.keys(), ...shadows.keys()])]
    .sort((one, other) => one.localeCompare(other, "en", { numeric: true }))
    .map((key) => ({
      key,
      step: key.slice(0, key.lastIndexOf(" ")),
      a: lives.get(key),
      b: shadows.get(key),
    }));
}

/** What a shadow does not publish is as if it were done. Pure. */
function isDifferent(a: Record | undefined, b: Record | undefined): boolean {
  const outcomeOf = (record: Record | undefined): string | undefined =>
    record?.outcome === "shadow" ? "done" : record?.outcome;
  return (
    a?.verb !== b?.verb || a?.event !== b?.event || a?.branch !== b?.branch || outcomeOf(a) !== outcomeOf(b)
  );
}
