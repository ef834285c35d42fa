import { type Context, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "../../api/session.ts";

export const SessionContext: Context<Session | undefined> = createContext<Session | undefined>(undefined);

/** Who looks at the page. Within the pages there always is one. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error("a page is drawn without a session");
  return session;
}

/** Whether the buttons that change something are shown. The server decides; this spares a refusal. */
export function useIsOperator(): boolean {
  return useSession().role === "operator";
}
