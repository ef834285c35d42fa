import { messageOf } from "@adaos/core/wire";

/** A file that cannot be used as it is: the last good version of it stays in force. */
export interface ConfigError {
  readonly file: string;
  /** `deploy/mesh.yaml:7:5`, where one place is to blame. */
  readonly place?: string;
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** Of what a reader of the file threw. Pure. */
export function configErrorOf(file: string, thrown: unknown, remedy: string): ConfigError {
  const [, place, told] = /^(\S+:\d+:\d+) (.*)$/s.exec(messageOf(thrown)) ?? [];
  const message = told ?? messageOf(thrown);
  return place === undefined ? { file, message, remedy } : { file, place, message, remedy };
}
