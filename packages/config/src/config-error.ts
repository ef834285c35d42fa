import { messageOf } from "@adaos/core/wire";

/** A broken file: its last good version stays in force. */
export interface ConfigError {
  readonly file: string;
  /** `deploy/mesh.yaml:7:5`, where the error has one place. */
  readonly place?: string;
  readonly message: string;
  /** What the operator should do. */
  readonly remedy: string;
}

/** Built from the error of a file's reader. Pure. */
export function configErrorOf(file: string, thrown: unknown, remedy: string): ConfigError {
  const [, place, text] = /^(\S+:\d+:\d+) (.*)$/s.exec(messageOf(thrown)) ?? [];
  const message = text ?? messageOf(thrown);
  return place === undefined ? { file, message, remedy } : { file, place, message, remedy };
}
