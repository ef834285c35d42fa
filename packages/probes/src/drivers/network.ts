import { createConnection, type Socket } from "node:net";
import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";
import type { OpenProbe, ProbeConnection, ProbeTarget } from "./driver.ts";

/** A web service: any answer below 400 will do. */
export function probeHttp({ url }: ProbeTarget): OpenProbe {
  const { href, headers } = withoutUserInfo(new URL(url));
  return (): ProbeConnection => {
    const closed = new AbortController();
    return {
      connect: async () => undefined,
      ask: async () => {
        const { status, body } = await fetch(href, { headers, redirect: "manual", signal: closed.signal });
        await body?.cancel();
        if (status >= 400) throw new MeshError("unavailable", `the answer is HTTP ${status}`);
      },
      close: async () => closed.abort(),
    };
  };
}

/** `fetch` takes no URL with a password in it. */
function withoutUserInfo(url: URL): { readonly href: string; readonly headers: Record<string, string> } {
  const { username, password } = url;
  if (username === "" && password === "") return { href: url.href, headers: {} };
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  url.username = "";
  url.password = "";
  return {
    href: url.href,
    headers: { authorization: `Basic ${Buffer.from(user).toString("base64")}` },
  };
}

/** A listening TCP port: each look connects once. */
export function probeTcp({ url }: ProbeTarget): OpenProbe {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return (): ProbeConnection => {
    let socket: Socket | undefined;
    return {
      connect: async () => undefined,
      ask: () =>
        new Promise((resolve, reject) => {
          socket = createConnection({ host, port: Number(port) });
          socket.once("connect", () => socket?.destroy());
          socket.once("error", reject);
          socket.once("close", () => resolve());
        }),
      close: async () => void socket?.destroy(),
    };
  };
}

/** A NATS server: a ping and its pong. User and password, or a token, may stand in the URL. */
export function probeNats({ url, timeoutMs }: ProbeTarget): OpenProbe {
  const { hostname, port, username, password, protocol } = new URL(url);
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  const signIn = user === "" ? {} : pass === "" ? { token: user } : { user, pass };
  return (): ProbeConnection => {
    let nc: NatsConnection | undefined;
    let isClosed = false;
    let onLost = (): void => undefined;
    return {
      connect: async () => {
        const { connect } = await import("nats");
        nc = await connect({
          servers: `${hostname}:${port || "4222"}`,
          ...signIn,
          ...(protocol === "tls:" ? { tls: {} } : {}),
          name: "adaos probe",
          timeout: timeoutMs,
          reconnect: false,
        });
        void nc.closed().then(() => onLost());
        if (isClosed) await nc.close();
      },
      ask: async () => {
        if (nc?.isClosed() !== false) throw new MeshError("unavailable", "the connection was closed");
        const ping = nc.flush();
        // The client leaves a ping unanswered for ever when its connection is lost meanwhile.
        await new Promise<void>((resolve, reject) => {
          onLost = () => reject(new MeshError("unavailable", "the connection was lost"));
          ping.then(resolve, reject);
        });
      },
      close: async () => {
        isClosed = true;
        await nc?.close();
      },
    };
  };
}
