import type { ComponentChildren, JSX } from "preact";
import { Text } from "./text.tsx";
import "./parts.css";

export type Fact = readonly [name: string, value: ComponentChildren];

/** Names and values below each other; those without a value are left out. */
export function Facts({ of }: { readonly of: readonly Fact[] }): JSX.Element {
  const present = of.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return (
    <dl class="facts">
      {present.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "string" ? <Text of={value} max={1000} /> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
