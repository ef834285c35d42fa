import type { Logger } from "@adaos/core";
import { Invitations, Machines } from "@adaos/provision";
import type { JoinHandler } from "@adaos/root";

const NOTHING = new Uint8Array();

/** Lets others join the mesh of a state folder, for the root daemon beside it. */
export function openJoinHandler(stateDir: string, log: Logger): JoinHandler {
  const invitations = new Invitations(stateDir);
  const machines = new Machines(stateDir);
  return {
    open: () => new Map([...machines.open(), ...invitations.open()]),
    async answer(id, request) {
      const invitation = invitations.find(id);
      if (invitation === undefined) {
        const machine = machines.find(id);
        if (machine === undefined) return NOTHING;
        const { answerFollow } = await import("./answer-follow.ts");
        return answerFollow(machine, request, { stateDir, log });
      }
      // Loaded only when a node joins: a daemon runs long, and should not keep code that it does not need in memory.
      const { answerRequest } = await import("./answer-request.ts");
      return answerRequest(invitation, request, { stateDir, invitations, machines, log });
    },
  };
}
