import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Notice } from "../parts/notice.tsx";
import { keepToken } from "./token.ts";

/** Asks for the token of a person who has come without the link. */
export function SignIn({
  reason,
  onToken,
}: {
  readonly reason: string;
  readonly onToken: () => void;
}): JSX.Element {
  const [token, setToken] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    // The whole link may be pasted as well.
    keepToken(token.trim().replace(/^.*#token=/, ""));
    onToken();
  };
  return (
    <main class="sign-in">
      <h1>AdaOS Mesh</h1>
      <Notice kind="info">{reason}</Notice>
      <p>
        On the machine of the mesh, <code>adaos view</code> prints a link that opens this page, and{" "}
        <code>adaos view token --role viewer</code> prints a token.
      </p>
      <form onSubmit={submit}>
        <label>
          Token
          <input
            type="password"
            autocomplete="off"
            value={token}
            required
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Sign in</button>
      </form>
    </main>
  );
}
