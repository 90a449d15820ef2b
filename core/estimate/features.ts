// What a request body looks like to the estimator: counts, no text.

/**
 * Features of the input of one LLM call, in bytes of UTF-8 text after JSON unescaping is ignored
 * (a byte of the body inside a string value that reaches the model).
 */
export type InputFeatures = {
  /** Bytes of natural-language ASCII text. */
  readonly proseBytes: number;
  /** Bytes of code or JSON-like ASCII text (tool schemas, tool results, code blocks). */
  readonly codeBytes: number;
  /**
   * ASCII digits among `proseBytes` and `codeBytes` (counted there too). Tokenizers cut numbers, ids and hashes into
   * many short tokens: without this count the error on JSON is three times as large. Absent counts as 0.
   */
  readonly digitBytes?: number;
  /** Bytes above 0x7F. A character written as an escape (`\u4e2d`) counts as the three bytes that it stands for. */
  readonly nonAsciiBytes: number;
  readonly messages: number;
  /** Images, audio and files given by reference or inline (inline data is not counted as text). */
  readonly media: number;
  /** Tool definitions. */
  readonly tools: number;
};
