import { VERSION } from "../version.ts";

/**
 * Number of the protocol between nodes: subjects, headers, services, and what streams hold. Nodes of one number work
 * together, whatever their versions. docs/decisions/upgrade.md has the rule for a change.
 */
export const PROTOCOL = 1;

/** What a node tells of its program wherever it meets another. */
export interface Program {
  /** `0.1.0` */
  readonly version: string;
  readonly protocol: number;
}

/** The program that runs here. */
export const OWN_PROGRAM: Program = { version: VERSION, protocol: PROTOCOL };

/** Header of requests and answers between nodes: {@link programText}. Programs before it send none. */
export const PROGRAM_HEADER = "Adaos-Program";

const FORM = /^(\d{1,6}\.\d{1,6}\.\d{1,6}(?:-[0-9A-Za-z.-]{1,32})?)\/(\d{1,6})$/;

/** `0.1.0/1`: version and protocol. */
export function programText({ version, protocol }: Program = OWN_PROGRAM): string {
  return `${version}/${protocol}`;
}

/** Undefined for anything else: a peer may be hostile. Pure. */
export function parseProgram(text: string | undefined): Program | undefined {
  const [, version, protocol] = FORM.exec(text ?? "") ?? [];
  if (version === undefined || protocol === undefined) return undefined;
  return { version, protocol: Number(protocol) };
}

/**
 * Why a node cannot work with a peer, and what to do; undefined when it can. A peer that does not tell its program is
 * older than this rule, and speaks protocol 1. Pure.
 * @param peer The peer's name: `alpha/kitchen`.
 */
export function whyApart(
  peer: string,
  its: Program | undefined,
  own: Program = OWN_PROGRAM,
): string | undefined {
  const { version, protocol } = its ?? { version: "an earlier version", protocol: 1 };
  if (protocol === own.protocol) return undefined;
  const older = protocol < own.protocol ? peer : "this node";
  return `${peer} runs adaos ${version} of protocol ${protocol}, this node adaos ${own.version} of protocol ${own.protocol}; upgrade ${older}`;
}
