import type { JSX } from "preact";
import type { RunDetail } from "../../../../api/behaviour.ts";
import { Text } from "../../../parts/text.tsx";

const VALUE_CHARS = 300;

/** Conditions with their results, and the values of the fields that they read. */
export function Conditions({ of }: { readonly of: RunDetail["run"]["conditions"] }): JSX.Element | null {
  if (of.length === 0) return null;
  return (
    <ul class="conditions">
      {of.map(({ text, value, values, error }, i) => (
        <li key={i}>
          <span class={value === true ? "good" : value === false ? "warning" : "error"}>
            {value === undefined ? "no value" : String(value)}
          </span>{" "}
          <code>
            <Text of={text} />
          </code>
          {Object.entries(values).map(([path, seen]) => (
            <span key={path} class="seen">
              <Text of={path} max={200} /> ={" "}
              <Text of={JSON.stringify(seen) ?? "undefined"} max={VALUE_CHARS} />
            </span>
          ))}
          {error === undefined ? null : (
            <span class="error">
              {" "}
              <Text of={error} max={400} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
