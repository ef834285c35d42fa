import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { OpenProbe, ProbeConnection, ProbeTarget } from "./driver.ts";
import { loadDriver } from "./load-driver.ts";

/** The part of `@libsql/client` that is used. */
interface Client {
  execute(statement: string): Promise<unknown>;
  close(): void;
}
interface LibSql {
  createClient(options: { readonly url: string }): Client;
}

/** A database in a file of this machine: its path, or `file:` and its path. */
export function probeSqlite({ url }: ProbeTarget): OpenProbe {
  const { createClient } = loadDriver<LibSql>("@libsql/client", "sqlite");
  const file = url.startsWith("file://") ? fileURLToPath(url) : url.replace(/^file:/, "");
  return connectionTo(
    () => createClient({ url: pathToFileURL(file).href }),
    // Unlike SELECT 1 it reads the file: one that is no database, or is locked, does not answer.
    "PRAGMA schema_version",
    // The driver would make a file that is not there.
    () => access(file, constants.R_OK),
  );
}

/** A libSQL server or Turso; the token stands in the URL: `libsql://orders-me.turso.io?authToken=…`. */
export function probeLibSql({ url }: ProbeTarget): OpenProbe {
  const { createClient } = loadDriver<LibSql>("@libsql/client", "turso");
  return connectionTo(() => createClient({ url }), "SELECT 1");
}

function connectionTo(open: () => Client, question: string, check?: () => Promise<void>): OpenProbe {
  return (): ProbeConnection => {
    let client: Client | undefined;
    const ask = async (): Promise<void> => {
      await check?.();
      await client?.execute(question);
    };
    return {
      connect: async () => {
        await check?.();
        client = open();
        // To open is to connect for a file only; a server is spoken to when it is asked.
        await ask();
      },
      ask,
      close: async () => client?.close(),
    };
  };
}
