/**
 * The token of this page. It is kept by origin, port included; a cookie would be sent to every port of this machine.
 */
const KEY = "adaos.token";

/** Takes the token of a link that `adaos view` has printed, and removes it from the address. */
export function takeTokenOfAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  keepToken(token);
  history.replaceState(null, "", location.pathname + location.search);
}

export function readToken(): string {
  return localStorage.getItem(KEY) ?? "";
}

export function keepToken(token: string): void {
  localStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  localStorage.removeItem(KEY);
}
