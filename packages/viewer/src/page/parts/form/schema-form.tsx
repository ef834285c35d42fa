import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { SchemaField } from "../../../api/live.ts";
import { Text } from "../text.tsx";
import { type FieldTexts, REST } from "./schema-values.ts";

interface SchemaFormProps {
  readonly fields: readonly SchemaField[];
  readonly texts: FieldTexts;
  readonly onChange: (name: string, text: string) => void;
  /** A sentence for each field that is wrong. */
  readonly problems: Readonly<Record<string, string>>;
}

/** The data of an event as a form. What is more than a line can hold is JSON text. */
export function SchemaForm({ fields, texts, onChange, problems }: SchemaFormProps): JSX.Element {
  const hasRest = fields.length === 0 || texts[REST] !== undefined;
  const rest: SchemaField = {
    ...{
      name: REST,
      kind: "json",
      isRequired: fields.length === 0,
      isClassified: false,
      rule: "",
      values: [],
    },
    description:
      fields.length === 0 ? "The data, as JSON." : "Fields that the schema does not name, as JSON.",
  };
  return (
    <div class="schema-form">
      {[...fields, ...(hasRest ? [rest] : [])].map((field) => (
        <Field
          key={field.name}
          field={field}
          text={texts[field.name] ?? ""}
          problem={problems[field.name]}
          onChange={(text) => onChange(field.name, text)}
        />
      ))}
    </div>
  );
}

interface FieldProps {
  readonly field: SchemaField;
  readonly text: string;
  readonly problem: string | undefined;
  readonly onChange: (text: string) => void;
}

function Field({ field, text, problem, onChange }: FieldProps): JSX.Element {
  const id = useId();
  const hint = [
    field.description,
    field.rule,
    field.isClassified ? "Masked: the original is not known here." : "",
  ];
  const shown = hint.filter((part) => part !== "").join(" · ");
  return (
    <div class="schema-field">
      <label for={id}>
        <span>
          <Text of={field.name === REST ? "data" : field.name} />{" "}
          {field.isRequired ? <em>required</em> : null}
        </span>
      </label>
      <Input id={id} field={field} text={text} isWrong={problem !== undefined} onChange={onChange} />
      <span id={`${id}-hint`} class="dim hint">
        <Text of={shown} max={300} />
      </span>
      {problem === undefined ? null : (
        <span id={`${id}-problem`} class="error" role="alert">
          <Text of={problem} />
        </span>
      )}
    </div>
  );
}

interface InputProps extends Omit<FieldProps, "problem"> {
  readonly id: string;
  readonly isWrong: boolean;
}

function Input({ id, field, text, isWrong, onChange }: InputProps): JSX.Element {
  const { kind, values, isRequired } = field;
  const shared = {
    id,
    required: isRequired,
    "aria-invalid": isWrong,
    "aria-describedby": isWrong ? `${id}-hint ${id}-problem` : `${id}-hint`,
  };
  if (kind === "enum" || kind === "boolean") {
    const texts = kind === "boolean" ? ["true", "false"] : values.map((value) => JSON.stringify(value));
    return (
      <select {...shared} value={text} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{isRequired ? "choose" : "left out"}</option>
        {texts.map((one) => (
          <option key={one} value={one}>
            {one.replaceAll('"', "")}
          </option>
        ))}
      </select>
    );
  }
  if (kind === "json" || text.includes("\n") || text.length > 60)
    return (
      <textarea
        {...shared}
        class={kind === "json" ? "mono" : undefined}
        rows={4}
        value={text}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    );
  return (
    <input
      {...shared}
      type="text"
      inputMode={kind === "string" ? "text" : "decimal"}
      autocomplete="off"
      value={text}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
