import { connect } from "node:net";

const ANSWER_MS = 2000;

/** Whether a program listens at the address that a server needs. */
export function isTaken(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    const tell = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.setTimeout(ANSWER_MS, () => tell(false));
    socket.once("connect", () => tell(true));
    socket.once("error", () => tell(false));
  });
}
