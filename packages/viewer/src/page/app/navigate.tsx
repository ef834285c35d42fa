import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Query, queryText } from "./ask.ts";

const CHANGED = "adaos-navigated";
let isMoved = false;

/** Shows another page, or the same with another query, without loading anything anew. */
export function navigate(
  path: string,
  query: Query = {},
  options: { readonly replace?: boolean } = {},
): void {
  const address = path + queryText(query);
  isMoved = true;
  if (options.replace === true) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  dispatchEvent(new Event(CHANGED));
}

/** Whether the reader has come to this page from another one of the viewer. */
export function hasNavigated(): boolean {
  return isMoved;
}

/** Path and query of the address; the component is drawn again when they change. */
export function useAddress(): { readonly path: string; readonly query: URLSearchParams } {
  const [address, setAddress] = useState(location.pathname + location.search);
  useEffect(() => {
    const changed = (): void => setAddress(location.pathname + location.search);
    addEventListener(CHANGED, changed);
    addEventListener("popstate", changed);
    return () => {
      removeEventListener(CHANGED, changed);
      removeEventListener("popstate", changed);
    };
  }, []);
  const [path = "/", query = ""] = address.split("?");
  return { path, query: new URLSearchParams(query) };
}

interface LinkProps {
  readonly to: string;
  readonly query?: Query;
  readonly class?: string;
  readonly title?: string;
  /** Of a menu: the link of the page that is shown. */
  readonly isCurrent?: boolean;
  readonly children: ComponentChildren;
}

/** A link between pages of the viewer. */
export function Link({ to, query = {}, isCurrent = false, children, ...rest }: LinkProps): JSX.Element {
  const href = to + queryText(query);
  const clicked = (event: MouseEvent): void => {
    // Another tab or window is the browser's.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigate(to, query);
  };
  return (
    <a {...rest} href={href} onClick={clicked} {...(isCurrent ? { "aria-current": "page" } : {})}>
      {children}
    </a>
  );
}
