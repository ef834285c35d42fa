import { MeshError, type Validation, type Violation } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { LinearPattern } from "./keywords/linear-pattern.ts";
import { UNIQUE_ITEMS } from "./keywords/unique-items.ts";
import { openSchema } from "./open-schema.ts";
import { SchemaReferences } from "./references.ts";
import type { Draft, SchemaDocument } from "./schema-document.ts";
import { type ReportFault, throwFault } from "./schema-fault.ts";
import { type BrokenRule, toBrokenRules, toViolations } from "./violations.ts";

const OPTIONS: Options = {
  // Unknown keywords and formats are annotations, as JSON Schema defines. Known formats are asserted.
  strict: false,
  // NaN and Infinity are numbers in JavaScript; JSON would turn them into null on the way.
  strictNumbers: true,
  // Inherited properties ("constructor") are not data.
  ownProperties: true,
  // 19.99 is a multiple of 0.01, in spite of floating point.
  multipleOfPrecision: 10,
  // The first broken rule is enough to refuse; collecting all would let a stranger cause work.
  allErrors: false,
  code: {
    // Halves the time to compile a large schema; the JIT makes up for it, at equal speed afterwards.
    optimize: false,
    // `code` is for schemas compiled ahead of time, which ours never are.
    regExp: Object.assign((pattern: string) => new LinearPattern(pattern), { code: "" }),
  },
  logger: false,
};

type Ajvs = Readonly<Record<Draft, Ajv | Ajv2020>>;

const MAX_URL_LENGTH = 2048;

const VALID: Validation = { valid: true, violations: [] };

/**
 * Shared meta-schema validators: compiling the meta-schema of a draft costs as much as reading a hundred schemas.
 */
const metaAjvs: Partial<Record<Draft, Ajv | Ajv2020>> = {};

function metaAjvOf(draft: Draft): Ajv | Ajv2020 {
  metaAjvs[draft] ??= newAjv(draft);
  return metaAjvs[draft];
}

/** The schemas of one registry, ready to judge data. Each is compiled at its first use. */
export class SchemaValidators {
  readonly references: SchemaReferences;
  readonly #documents: readonly SchemaDocument[];
  readonly #ajvs: Ajvs = newAjvs();
  #opened: Ajvs | undefined;

  /**
   * Takes all schemas of a registry, each file once.
   * @param report Takes each fault: not a schema, an `$id` taken twice, a `$ref` without target. By default throws
   *   MeshError `invalid-config` naming the file.
   * @param areProven An earlier check has found them valid: it is not repeated.
   */
  constructor(
    documents: readonly SchemaDocument[],
    report: ReportFault = throwFault,
    { areProven = false }: { readonly areProven?: boolean } = {},
  ) {
    this.references = checkReferences(documents, report);
    for (const document of documents) {
      if (areProven) this.#ajvs[document.draft].addSchema(document.schema, document.uri, false, false);
      else this.#add(document, report);
    }
    this.#documents = documents;
  }

  #add({ draft, file, schema, uri }: SchemaDocument, report: ReportFault): void {
    const meta = metaAjvOf(draft);
    const fail = (pointer: string, problem: string): void =>
      report({ rule: "schema-invalid", file, pointer, problem });
    try {
      if (meta.validateSchema(schema) === true) this.#ajvs[draft].addSchema(schema, uri, false, false);
      else
        for (const { pointer, problem } of schemaProblems(draft, meta.errors ?? [])) fail(pointer, problem);
    } catch (cause) {
      if (cause instanceof MeshError) throw cause;
      fail("", messageOf(cause));
    }
  }

  /**
   * A function that judges data by one schema. It throws MeshError `invalid-config` if the schema does not compile.
   */
  validatorOf(document: SchemaDocument): (data: unknown) => Validation {
    let compiled: ValidateFunction | undefined;
    return (data) => {
      compiled ??= this.#compile(document);
      return judge(compiled, data);
    };
  }

  /**
   * Like {@link validatorOf}, for receivers: refused data is judged again by the schema as {@link openSchema} opens
   * it. So receivers accept all publishable data, and the common case costs no more.
   */
  receiverOf(document: SchemaDocument): (data: unknown) => Validation {
    const strict = this.validatorOf(document);
    let opened: ValidateFunction | undefined;
    return (data) => {
      const verdict = strict(data);
      if (verdict.valid) return verdict;
      opened ??= this.#compile(document, this.#openedAjvs());
      return judge(opened, data);
    };
  }

  /** Created when the first event is refused, which never happens in most registries. */
  #openedAjvs(): Ajvs {
    if (this.#opened !== undefined) return this.#opened;
    const ajvs = newAjvs();
    for (const { draft, schema, uri } of this.#documents)
      ajvs[draft].addSchema(openSchema(schema), uri, false, false);
    this.#opened = ajvs;
    return ajvs;
  }

  /**
   * The rules of a schema that data breaks: pointer and keyword of each. Stops at the first in each branch, as
   * {@link validatorOf} does. Throws MeshError `invalid-config` if the schema does not compile.
   */
  brokenRules(document: SchemaDocument, data: unknown): BrokenRule[] {
    const compiled = this.#compile(document);
    return judge(compiled, data).valid ? [] : toBrokenRules(compiled.errors ?? []);
  }

  /** Compiles a schema now. Returns its problem, or undefined. */
  compileProblem(document: SchemaDocument): string | undefined {
    try {
      this.#compile(document);
      return undefined;
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  #compile({ draft, file, uri }: SchemaDocument, ajvs: Ajvs = this.#ajvs): ValidateFunction {
    try {
      const compiled = ajvs[draft].getSchema(uri);
      if (compiled !== undefined) return compiled;
    } catch (cause) {
      throw MeshError.from(cause, "invalid-config", `${file}: the schema does not compile`);
    }
    throw new MeshError("internal", `${file}: the schema was not added`);
  }
}

/**
 * The targets of references in a registry's schemas.
 * @throws MeshError `invalid-config` naming the file: an `$id` taken twice, a `$ref` without target.
 */
export function checkReferences(
  documents: Iterable<SchemaDocument>,
  report: ReportFault = throwFault,
): SchemaReferences {
  const { uriResolver } = new Ajv2020().opts;
  const references = new SchemaReferences((base, reference) => uriResolver.resolve(base, reference), report);
  for (const document of documents) references.add(document);
  references.check();
  return references;
}

/** Judges data by one of several documents; see {@link allViolations}. */
export type AllViolations = (document: SchemaDocument, data: unknown) => readonly Violation[];

/**
 * Lists every rule that data breaks, at most 20; other validators stop at the first. The documents may refer to
 * each other. A schema is compiled when it first judges data.
 */
export function allViolations(documents: readonly SchemaDocument[]): AllViolations {
  const ajvs = newAjvs({ allErrors: true });
  for (const other of documents) ajvs[other.draft].addSchema(other.schema, other.uri, false, false);
  return ({ draft, file, uri }, data) => {
    const compiled = ajvs[draft].getSchema(uri);
    if (compiled === undefined) throw new MeshError("internal", `${file}: the schema was not added`);
    return judge(compiled, data).violations;
  };
}

function newAjvs(more: Options = {}): Ajvs {
  return { "2020-12": newAjv("2020-12", more), "draft-07": newAjv("draft-07", more) };
}

function newAjv(draft: Draft, more: Options = {}): Ajv | Ajv2020 {
  return draft === "2020-12" ? newAjv2020(more) : newAjv07(more);
}

function judge(compiled: ValidateFunction, data: unknown): Validation {
  try {
    if (compiled(data) === true) return VALID;
  } catch (thrown) {
    // A recursive schema follows the data down, and data in memory may even be cyclic.
    if (!(thrown instanceof RangeError)) throw thrown;
    return { valid: false, violations: [{ pointer: "", expected: "must nest less deeply" }] };
  }
  return { valid: false, violations: toViolations(compiled.errors as ErrorObject[]) };
}

function schemaProblems(
  draft: Draft,
  errors: readonly ErrorObject[],
): { pointer: string; problem: string }[] {
  return toViolations(errors).map(({ pointer, expected }) => {
    return { pointer, problem: `not a ${draft} schema: ${pointer || "the root"} ${expected}` };
  });
}

function newAjv2020(more: Options): Ajv2020 {
  const ajv = new Ajv2020({ ...OPTIONS, ...more });
  // Not a keyword of 2020-12, which has dependentRequired and dependentSchemas.
  ajv.removeKeyword("dependencies");
  return withCommonRules(ajv);
}

function newAjv07(more: Options): Ajv {
  // Draft-07 ignores keywords beside $ref; 2020-12 applies them.
  return withCommonRules(new Ajv({ ...OPTIONS, ...more, ignoreKeywordsWithRef: true }));
}

function withCommonRules<T extends Ajv | Ajv2020>(ajv: T): T {
  // The validator registers it only to throw; in both drafts `id` is an unknown keyword, and a likely one.
  ajv.removeKeyword("id");
  // Explicit options keep the formatMinimum family out, which JSON Schema does not define.
  addFormats.default(ajv as Ajv, { mode: "full" });
  // The only format whose time grows with the square of the text's length.
  const url = ajv.formats["url"];
  if (url instanceof RegExp)
    ajv.addFormat("url", (text: string) => text.length <= MAX_URL_LENGTH && url.test(text));
  ajv.removeKeyword("uniqueItems").addKeyword(UNIQUE_ITEMS);
  return ajv;
}
