import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../../api/session.ts";
import { Notice } from "../parts/notice.tsx";
import { useAsk } from "./ask.ts";
import { hasNavigated, Link, useAddress } from "./navigate.tsx";
import { PAGES, type PageEntry, pageOf } from "./pages.ts";
import { SessionContext } from "./session.ts";
import { SignIn } from "./sign-in.tsx";
import { forgetToken, readToken } from "./token.ts";

export function App(): JSX.Element {
  const { answer: session, error, again } = useAsk<Session>("/api/session");
  if (error?.status === 401) {
    const reason = readToken() === "" ? "Sign in to see this mesh." : error.message;
    return <SignIn reason={reason} onToken={again} />;
  }
  if (session === undefined)
    return (
      <main>
        {error === undefined ? (
          <p>Loading …</p>
        ) : (
          <Notice kind="error" onRetry={again}>
            {error.message}
          </Notice>
        )}
      </main>
    );
  return (
    <SessionContext.Provider value={session}>
      <Frame session={session} onSignOut={again} />
    </SessionContext.Provider>
  );
}

function Frame({
  session,
  onSignOut,
}: {
  readonly session: Session;
  readonly onSignOut: () => void;
}): JSX.Element {
  const { path } = useAddress();
  const page = pageOf(path);
  const signOut = (): void => {
    forgetToken();
    onSignOut();
  };
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="bar">
        <strong class="brand">{session.mesh}</strong>
        <nav aria-label="Pages">
          {PAGES.map((one) => (
            <Link key={one.path} to={one.path} isCurrent={one === page}>
              {one.title}
            </Link>
          ))}
        </nav>
        <span class="who">
          {session.name} <span class="badge">{session.role}</span>
          <button type="button" class="quiet" onClick={signOut}>
            Sign out
          </button>
        </span>
      </header>
      {page === undefined ? null : <PageFrame key={page.path} page={page} />}
    </>
  );
}

function PageFrame({ page }: { readonly page: PageEntry }): JSX.Element {
  const [Shown, setShown] = useState<ComponentType | undefined>();
  const [problem, setProblem] = useState<string | undefined>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${page.title} · AdaOS Mesh`;
    // Readers by ear and by keyboard begin at the new page. After a load they begin where the browser begins.
    if (hasNavigated()) heading.current?.focus();
    page.load().then(
      (loaded) => setShown(() => loaded),
      () => setProblem("this part of the viewer cannot be loaded; load the page again"),
    );
  }, [page]);
  return (
    <main id="content">
      <h1 tabIndex={-1} ref={heading}>
        {page.title}
      </h1>
      {problem === undefined ? null : <Notice kind="error">{problem}</Notice>}
      {Shown === undefined ? null : <Shown />}
    </main>
  );
}
