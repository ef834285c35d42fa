/** The body of every answer that is an error: `{ "error": … }`. */
export interface ApiError {
  readonly code: string;
  /** One sentence: the fault, its place and the remedy. */
  readonly message: string;
  readonly rule?: string;
  readonly violations?: readonly { readonly pointer: string; readonly expected: string }[];
}

/** A part of every answer to a GET. */
export interface CutAnswer {
  /** Why the answer lacks a part of what the streams hold; missing where it is whole. */
  readonly read_cut?: string;
}
