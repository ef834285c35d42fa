/** The body of every answer that is an error: `{ "error": … }`. */
export interface ApiError {
  readonly code: string;
  /** One sentence: the fault, its place and the remedy. */
  readonly message: string;
  readonly rule?: string;
  readonly violations?: readonly { readonly pointer: string; readonly expected: string }[];
}
