/** `1 run`, `2 runs`. Pure. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Name and path of the API for `alpha/kitchen/hour`. Pure. */
export function pathOf(base: string, name: string, more = ""): string {
  return `${base}/${name.split("/").map(encodeURIComponent).join("/")}${more}`;
}
