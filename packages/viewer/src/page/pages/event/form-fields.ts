/** The texts of a form that is sent, by their names; the browser itself sends nothing. */
export function fieldsOf(event: SubmitEvent): Record<string, string> {
  event.preventDefault();
  if (!(event.target instanceof HTMLFormElement)) return {};
  const fields: Record<string, string> = {};
  for (const [name, value] of new FormData(event.target)) if (typeof value === "string") fields[name] = value;
  return fields;
}
